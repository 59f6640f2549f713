/* Errors, counters, the lines that tell of them, and the thread that ticks. */
#include "selfcheck.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define FIRST_ERROR_BYTES 120

struct counters counters;

static uint32_t boot;
static int rtc = -1;
static _Atomic uint64_t errors;
static _Atomic uint64_t sequence;
static _Atomic uint64_t worst_lag_us;
static char first_error[FIRST_ERROR_BYTES];
static pthread_mutex_t first_lock = PTHREAD_MUTEX_INITIALIZER;

uint64_t clock_us(int clock_id)
{
    struct timespec now;

    clock_gettime(clock_id, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void report_start(void)
{
    if (getrandom(&boot, sizeof boot, GRND_INSECURE) != sizeof boot)
        boot = (uint32_t)mix64(clock_us(CLOCK_REALTIME) ^ (uint64_t)getpid() << 40);
    rtc = open("/sys/class/rtc/rtc0/since_epoch", O_RDONLY | O_CLOEXEC);
}

uint32_t boot_id(void) { return boot; }
uint64_t error_count(void) { return atomic_load(&errors); }
uint64_t last_sequence(void) { return atomic_load(&sequence); }

void report_error(const char *format, ...)
{
    char text[FIRST_ERROR_BYTES];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&first_lock);
    if (first_error[0] == '\0') {
        for (char *c = text; *c != '\0'; c++) /* one word, so that a line still splits at blanks */
            if (!isgraph((unsigned char)*c))
                *c = '_';
        memcpy(first_error, text, sizeof first_error);
    }
    pthread_mutex_unlock(&first_lock);
    atomic_fetch_add(&errors, 1);
}

size_t line_seal(char *text, size_t length)
{
    uint32_t crc = crc32_ieee(0, text, length);

    return length + (size_t)sprintf(text + length, " %08x\r\n", crc);
}

/* What all lines with clocks have in common. */
static size_t begin(char *line, size_t room, char kind, uint64_t number)
{
    return (size_t)snprintf(line, room, "SC1 %c %08x %llu %llu %llu %llu", kind, boot, (unsigned long long)number,
                            (unsigned long long)clock_us(CLOCK_MONOTONIC), (unsigned long long)clock_us(CLOCK_REALTIME),
                            (unsigned long long)error_count());
}

static size_t add_first_error(char *line, size_t room, size_t length)
{
    if (error_count() == 0)
        return length;
    pthread_mutex_lock(&first_lock);
    length += (size_t)snprintf(line + length, room - length, " first=%s", first_error);
    pthread_mutex_unlock(&first_lock);
    return length;
}

/*
 * Seconds since 1970 by the machine's own clock, which goes on while the guest stands still; 0: none.
 * From sysfs: /dev/rtc0 can be open once only, and the guest agent needs it to set the guest's clock.
 */
static uint64_t rtc_seconds(void)
{
    char text[32];
    ssize_t n = rtc < 0 ? -1 : pread(rtc, text, sizeof text - 1, 0);

    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtoull(text, NULL, 10);
}

size_t report_line(char *line, char kind, uint64_t number, const char *token)
{
    static const char *const modes[] = {"whole", "tenth", "counter"};
    struct settings now = settings_now();
    size_t room = LINE_MAX_BYTES - 16, length = begin(line, room, kind, number);

    length += (size_t)snprintf(
        line + length, room - length,
        " bt=%llu rtc=%llu tick=%llu lag=%llu drop=%llu state=%s mem=%llu pages=%u mode=%s files=%g"
        " pw=%llu pv=%llu ps=%llu fw=%llu fv=%llu fs=%llu io=%s",
        (unsigned long long)clock_us(CLOCK_BOOTTIME), (unsigned long long)rtc_seconds(),
        (unsigned long long)now.tick_us,
        (unsigned long long)(kind == 'r' ? atomic_exchange(&worst_lag_us, 0) : atomic_load(&worst_lag_us)),
        (unsigned long long)counters.ticks_dropped, now.paused ? "paused" : "run",
        (unsigned long long)now.memory_bytes, now.pages_per_s, modes[now.mode], now.files_per_s,
        (unsigned long long)counters.pages_written, (unsigned long long)counters.pages_verified,
        (unsigned long long)counters.page_sweeps, (unsigned long long)counters.files_written,
        (unsigned long long)counters.files_verified, (unsigned long long)counters.file_sweeps,
        counters.direct_io ? "direct" : "cached");
    if (token != NULL && *token != '\0')
        length += (size_t)snprintf(line + length, room - length, " echo=%.32s", token);
    length = add_first_error(line, room, length);
    return line_seal(line, length);
}

/* A summary for people, on the screen that a VNC viewer shows. */
static void show_on_screen(int screen)
{
    char text[512];
    struct settings now = settings_now();
    uint64_t up = clock_us(CLOCK_BOOTTIME) / 1000000, wall = clock_us(CLOCK_REALTIME) / 1000000;
    time_t seconds = (time_t)wall;
    struct tm date;
    int length;

    gmtime_r(&seconds, &date);
    length = snprintf(
        text, sizeof text,
        "\033[H\033[?25l\033[K\r\n  Nephele test guest   boot id %08x   up %llu:%02llu:%02llu   %02d:%02d:%02d UTC\033[K\r\n\r\n"
        "  memory   %6llu MiB %8llu pages written  %10llu verified\033[K\r\n"
        "  files    %6u     %8llu files written  %10llu verified\033[K\r\n\r\n"
        "  %s\033[K\r\n\033[J",
        boot, (unsigned long long)(up / 3600), (unsigned long long)(up / 60 % 60), (unsigned long long)(up % 60),
        date.tm_hour, date.tm_min, date.tm_sec, (unsigned long long)(now.memory_bytes >> 20),
        (unsigned long long)counters.pages_written, (unsigned long long)counters.pages_verified,
        now.file_count, (unsigned long long)counters.files_written, (unsigned long long)counters.files_verified,
        error_count() == 0 ? "no errors" : first_error);
    if (write(screen, text, (size_t)length) < 0)
        return; /* nobody depends on the screen */
}

/*
 * Ticks at absolute times. A line carries the moment it was made; one that the console can't take at once is
 * dropped and counted, so that a slow reader never makes the clock of a line a lie.
 */
void *tick_thread(void *unused)
{
    struct sched_param real_time = {.sched_priority = 10};
    uint64_t next = clock_us(CLOCK_MONOTONIC), next_report = next, previous = next;
    int screen = -1;

    (void)unused;
    pthread_setschedparam(pthread_self(), SCHED_FIFO, &real_time); /* refused without root: lag= shows the difference */
    if (initial_settings.screen[0] != '\0')
        screen = open(initial_settings.screen, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    for (;;) {
        char line[LINE_MAX_BYTES];
        uint64_t now = clock_us(CLOCK_MONOTONIC), number, period, wake;
        size_t length;

        if (now < previous)
            report_error("clock: CLOCK_MONOTONIC went back by %llu us", (unsigned long long)(previous - now));
        previous = now;
        console_flush();
        if (now >= next) {
            period = settings_now().tick_us;
            if (now - next > atomic_load(&worst_lag_us))
                atomic_store(&worst_lag_us, now - next);
            next = next + period > now ? next + period : now + period;
            number = atomic_fetch_add(&sequence, 1) + 1;
            if (now >= next_report) {
                next_report = next_report + 1000000 > now ? next_report + 1000000 : now + 1000000;
                length = report_line(line, 'r', number, NULL);
                if (screen >= 0)
                    show_on_screen(screen);
            } else {
                length = begin(line, sizeof line, 't', number);
                length = line_seal(line, add_first_error(line, sizeof line - 16, length));
            }
            console_put(line, length, true);
        }
        /* A long tick is slept in parts, so that a new rate holds within a fifth of a second. */
        period = settings_now().tick_us;
        if (next > now + period)
            next = now + period;
        wake = console_pending() ? now + 10000 : now + 200000;
        wake = wake < next ? wake : next;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME,
                        &(struct timespec){.tv_sec = (time_t)(wake / 1000000), .tv_nsec = (long)(wake % 1000000 * 1000)},
                        NULL);
    }
    return NULL;
}
