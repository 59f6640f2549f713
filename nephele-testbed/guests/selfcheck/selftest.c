/* Shows that each kind of damage is found within a bounded time, and that nothing is found where nothing is wrong. */
#include "selfcheck.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SWEEP_US 500000ull
#define BOUND_US (8 * SWEEP_US) /* a sweep, and more for a busy machine */

struct child {
    pid_t pid;
    int to, from;
    size_t length;
    char buffer[8192];
};

static bool start_child(struct child *child, const char *program, const char *directory, const char *mode)
{
    int in[2], out[2];
    char dir[160], mode_setting[32];

    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
        return false;
    snprintf(dir, sizeof dir, "dir=%s", directory);
    snprintf(mode_setting, sizeof mode_setting, "mode=%s", mode);
    *child = (struct child){.to = in[1], .from = out[0]};
    child->pid = fork();
    if (child->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl(program, "selfcheck", dir, mode_setting, "console=-", "screen=", "listen=", "power=no", "shell=no",
              "mem=2M", "pages=200", "files=20", "filecount=8", "filesize=16K", "tick=10ms", "sweep=500ms", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    return child->pid > 0;
}

static void stop_child(struct child *child)
{
    kill(child->pid, SIGKILL);
    waitpid(child->pid, NULL, 0);
    close(child->to);
    close(child->from);
}

/* Takes the next line with a good checksum; false after the given time. */
static bool next_line(struct child *child, char *line, uint64_t until)
{
    for (;;) {
        char *end = memchr(child->buffer, '\n', child->length);
        uint64_t now = clock_us(CLOCK_MONOTONIC);
        ssize_t n;

        if (end != NULL) {
            size_t length = (size_t)(end - child->buffer);

            memcpy(line, child->buffer, length);
            line[length] = '\0';
            child->length -= length + 1;
            memmove(child->buffer, end + 1, child->length);
            if (line_open(line))
                return true;
            fprintf(stderr, "self-test: a line with a wrong checksum: %s\n", line);
            return false;
        }
        if (now >= until || child->length == sizeof child->buffer
            || poll(&(struct pollfd){.fd = child->from, .events = POLLIN}, 1, (int)((until - now) / 1000 + 1)) <= 0)
            return false;
        n = read(child->from, child->buffer + child->length, sizeof child->buffer - child->length);
        if (n <= 0)
            return false;
        child->length += (size_t)n;
    }
}

/* Reads ticks until one tells of errors, or the time is over. Returns the count; the last line is left in line. */
static unsigned long long errors_until(struct child *child, char *line, uint64_t until)
{
    unsigned long long errors = 0;
    char kind;

    while (errors == 0 && next_line(child, line, until))
        if (sscanf(line, "SC1 %c %*x %*u %*u %*u %llu", &kind, &errors) != 2 || (kind != 't' && kind != 'r'))
            errors = 0;
    return errors;
}

/* Waits until each page and file has been verified at least once. */
static bool settled(struct child *child, char *line)
{
    uint64_t until = clock_us(CLOCK_MONOTONIC) + 20000000;

    while (next_line(child, line, until)) {
        const char *pages = strstr(line, " ps="), *files = strstr(line, " fs=");

        if (pages != NULL && files != NULL && atoi(pages + 4) > 0 && atoi(files + 4) > 0)
            return strstr(line, " first=") == NULL;
    }
    return false;
}

/* Files must be whole on disk after damage to memory only, and after a kill at any moment. */
static bool files_are_whole(const char *directory)
{
    uint64_t before = error_count();

    return files_verify_offline(directory) == 0 || error_count() == before;
}

/* fault NULL: the control, in which nothing may be found. */
static bool try_fault(const char *program, const char *parent, const char *fault, const char *mode)
{
    struct child child;
    char line[LINE_MAX_BYTES * 8] = "", command[64], directory[128];
    uint64_t start;
    bool good = false;

    snprintf(directory, sizeof directory, "%.80s/%s-%s", parent, fault == NULL ? "none" : fault, mode);
    if (!start_child(&child, program, directory, mode) || !settled(&child, line)) {
        fprintf(stderr, "self-test: %s: did not get going: %s\n", directory, line);
    } else {
        start = clock_us(CLOCK_MONOTONIC);
        if (fault == NULL) {
            good = errors_until(&child, line, start + BOUND_US) == 0;
            printf("%-12s %-8s %s\n", "no damage", mode, good ? "nothing found" : line);
        } else {
            int length = snprintf(command, sizeof command, "inject %s\n", fault);

            good = write(child.to, command, (size_t)length) == length && errors_until(&child, line, start + BOUND_US) > 0;
            printf("%-12s %-8s %s after %llu ms: %s\n", fault, mode, good ? "found" : "NOT FOUND",
                   (unsigned long long)(clock_us(CLOCK_MONOTONIC) - start) / 1000,
                   good && strstr(line, "first=") != NULL ? strstr(line, "first=") + 6 : "");
        }
    }
    stop_child(&child);
    if ((fault == NULL || fault_named(fault) < FAULT_FILE_FLIP) && !files_are_whole(directory)) {
        fprintf(stderr, "self-test: %s: its files are damaged\n", directory);
        good = false;
    }
    return good;
}

/* All tries at once, each in a process and a directory of its own: most of their time is waiting. */
int selftest_run(const char *program, const char *directory)
{
    static const char *const modes[] = {"whole", "tenth", "counter"};
    static const char *const faults[] = {NULL, NULL, NULL, "page-flip", "page-stale", "page-zero", "page-swap",
                                         "table-stale", "file-flip", "file-stale", "file-torn", "file-gone"};
    enum { TRIES = sizeof faults / sizeof *faults };
    int good = 0, status;

    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < TRIES; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            bool found = try_fault(program, directory, faults[i], modes[i % 3]);

            fflush(stdout);
            _exit(found ? 0 : 1);
        }
    }
    while (wait(&status) > 0)
        good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    printf("%d of %d as they should be\n", good, (int)TRIES);
    return good == TRIES ? 0 : 1;
}
