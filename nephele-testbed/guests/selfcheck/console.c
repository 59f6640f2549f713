/* The serial console. Writing never blocks: a guest must go on when nobody reads, and a tick must not lie about its time. */
#include "selfcheck.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static int in_fd = 0, out_fd = 1;
static char pending[65536];
static size_t pending_bytes;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void console_open(void)
{
    const char *path = initial_settings.console;
    struct termios mode;

    if (strcmp(path, "-") != 0) {
        in_fd = out_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (out_fd < 0) {
            fprintf(stderr, "selfcheck: %s: %s\n", path, strerror(errno));
            _exit(1);
        }
        if (tcgetattr(out_fd, &mode) == 0) { /* lines in, raw bytes out, no echo: an echo would tear our lines */
            mode.c_iflag = ICRNL | IGNBRK;
            mode.c_oflag = 0;
            mode.c_lflag = ICANON | ECHOK;
            mode.c_cflag |= CREAD | CLOCAL;
            cfsetspeed(&mode, B115200);
            tcsetattr(out_fd, TCSANOW, &mode);
        }
    }
    fcntl(out_fd, F_SETFL, fcntl(out_fd, F_GETFL) | O_NONBLOCK);
}

static void flush_locked(void)
{
    while (pending_bytes > 0) {
        ssize_t n = write(out_fd, pending, pending_bytes);

        if (n < 0 && errno == EPIPE)
            _exit(0); /* only when run by hand or by the self-test: the reader is gone */
        if (n <= 0)
            return;
        pending_bytes -= (size_t)n;
        memmove(pending, pending + n, pending_bytes);
    }
}

void console_put(const char *line, size_t length, bool may_drop)
{
    pthread_mutex_lock(&lock);
    flush_locked();
    if (pending_bytes + length > sizeof pending || (may_drop && pending_bytes > 0)) {
        atomic_fetch_add(&counters.ticks_dropped, 1);
    } else {
        memcpy(pending + pending_bytes, line, length);
        pending_bytes += length;
        flush_locked();
    }
    pthread_mutex_unlock(&lock);
}

void console_flush(void)
{
    pthread_mutex_lock(&lock);
    flush_locked();
    pthread_mutex_unlock(&lock);
}

bool console_pending(void)
{
    bool some;

    pthread_mutex_lock(&lock);
    some = pending_bytes > 0;
    pthread_mutex_unlock(&lock);
    return some;
}

void *console_reader_thread(void *unused)
{
    static const struct answer_to console = {.socket = -1};
    char line[512];
    size_t length = 0;

    (void)unused;
    for (;;) {
        char byte;
        ssize_t n = read(in_fd, &byte, 1);

        if (n < 0 && errno == EAGAIN) {
            poll(&(struct pollfd){.fd = in_fd, .events = POLLIN}, 1, -1);
            continue;
        }
        if (n == 0 && strcmp(initial_settings.console, "-") == 0)
            _exit(0);
        if (n <= 0) { /* a hung-up line may come back */
            sleep(1);
            continue;
        }
        if (byte == '\n' || byte == '\r') {
            line[length] = '\0';
            if (length > 0)
                command_run(line, &console);
            length = 0;
        } else if (length < sizeof line - 1) {
            line[length++] = byte;
        }
    }
    return NULL;
}
