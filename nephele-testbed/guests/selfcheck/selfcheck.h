/*
 * selfcheck: a program that runs inside a test guest and proves, from outside, that nothing was lost.
 *
 * It keeps memory pages and files changing at a set rate, verifies all of them again and again, and
 * ticks on the serial console with the guest's clocks. Lines and commands: ../README.md.
 *
 *   pattern.c   what a page holds: a pure function of (seed, page, version, mode); CRC-32
 *   settings.c  key=value settings: defaults, file, kernel command line, arguments, commands
 *   memory.c    the thread that dirties and verifies memory pages
 *   files.c     the thread that writes and verifies files, and their manifest
 *   report.c    errors, counters, the lines, the tick thread
 *   console.c   the serial console: lines out without ever blocking, lines in
 *   commands.c  what can be typed
 *   network.c   the same lines over TCP
 *   selftest.c  shows that each kind of damage is found in time
 *   lines.c     reads such lines again, on the host
 *   main.c      start
 */
#ifndef SELFCHECK_H
#define SELFCHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_BYTES 4096u
#define PAGE_WORDS (PAGE_BYTES / 8u)
#define LINE_MAX_BYTES 1024u
#define MAX_PORTS 8

/* ---- pattern.c ---- */

/* How a page changes from one version to the next. */
enum page_mode {
    MODE_WHOLE,   /* every word */
    MODE_TENTH,   /* about one tenth of its words, at places that look random */
    MODE_COUNTER, /* one 64-bit counter, plus one */
};

/* What a page's words look like: CONTENT_RANDOM does not compress, CONTENT_TEXT has 4 bits of entropy a byte. */
enum page_content { CONTENT_RANDOM, CONTENT_TEXT };

/* All that is needed to know a page's bytes. base is the last version that was written as a whole. */
struct page_state {
    uint32_t base;
    uint32_t version;
    uint8_t mode;
    uint8_t content;
};

uint64_t mix64(uint64_t value);
void pattern_fill(uint64_t *words, uint64_t seed, uint32_t page, const struct page_state *state);
uint32_t crc32_ieee(uint32_t crc, const void *data, size_t bytes);

/* ---- settings.c ---- */

struct settings {
    uint64_t memory_bytes;   /* mem=      pattern memory */
    uint64_t set_bytes;      /* set=      only this much of it is dirtied; 0: all */
    uint32_t pages_per_s;    /* pages= */
    enum page_mode mode;     /* mode=     whole | tenth | counter */
    enum page_content content; /* content= random | text */
    double files_per_s;      /* files= */
    uint32_t file_count;     /* filecount= */
    uint32_t file_bytes;     /* filesize= a multiple of 4096 */
    uint64_t tick_us;        /* tick= */
    uint64_t sweep_us;       /* sweep=    everything is verified at least once in this time; 0: never */
    bool paused;
    bool power;              /* power=yes allows poweroff, reboot */
    bool shell;              /* shell=yes allows sh, run */
    char directory[128];     /* dir= */
    char console[64];        /* console=  a tty, or - for stdin and stdout */
    char screen[64];         /* screen=   a tty that shows a summary for people; empty: none */
    int ports[MAX_PORTS];    /* listen=7,80 */
    int port_count;
};

extern struct settings initial_settings; /* complete before any thread starts, constant afterwards */

struct settings settings_now(void);
void settings_change(const struct settings *changed);
/* Applies one key=value. at_start allows those that cannot change later. Returns NULL or a sentence. */
const char *settings_apply(struct settings *settings, const char *assignment, bool at_start);
/* Applies lines or blank-separated words of a file that carry the prefix; a missing file is no error. */
const char *settings_read(struct settings *settings, const char *path, const char *prefix);

/* ---- report.c ---- */

struct counters {
    _Atomic uint64_t pages_written, pages_verified, page_sweeps;
    _Atomic uint64_t files_written, files_verified, file_sweeps;
    _Atomic uint64_t ticks_dropped;
    _Atomic bool direct_io;
};
extern struct counters counters;

uint64_t clock_us(int clock_id);
void report_start(void);
uint32_t boot_id(void);
uint64_t error_count(void);
/* Remembers damage for good; only the first text is kept, every call counts. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends a line with its checksum and CR LF; returns its length. text must have room for 12 bytes more. */
size_t line_seal(char *text, size_t length);
/* The full report; kind 'r' for the console, 'p' as the answer to a probe. Returns its length. */
size_t report_line(char *line, char kind, uint64_t sequence, const char *token);
uint64_t last_sequence(void);
void *tick_thread(void *unused);

/* ---- console.c ---- */

/* Where the answer to a command goes. */
struct answer_to {
    int socket; /* -1: the console */
};
void console_open(void);
void console_put(const char *line, size_t length, bool may_drop);
void console_flush(void);
bool console_pending(void);
void *console_reader_thread(void *unused);

/* ---- commands.c ---- */
void command_run(char *line, const struct answer_to *to);
void answer(const struct answer_to *to, char kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- memory.c, files.c, network.c, selftest.c, lines.c ---- */
enum fault {
    FAULT_NONE,
    FAULT_PAGE_FLIP, FAULT_PAGE_STALE, FAULT_PAGE_ZERO, FAULT_PAGE_SWAP, FAULT_TABLE_STALE,
    FAULT_FILE_FLIP, FAULT_FILE_STALE, FAULT_FILE_TORN, FAULT_FILE_GONE,
};
extern _Atomic int pending_page_fault, pending_file_fault;
enum fault fault_named(const char *name);

void *memory_thread(void *unused);
void *files_thread(void *unused);
/* Verifies a directory that no selfcheck is writing. Returns 0 when whole, prints what is not. */
int files_verify_offline(const char *directory);
const char *network_listen(int port);
int selftest_run(const char *program, const char *directory);
int lines_run(void);
/* Takes CR LF and the checksum off a line of ours; false if it is torn or none of ours. */
bool line_open(char *line);

#endif
