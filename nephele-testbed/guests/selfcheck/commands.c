/* What can be typed on the console, and in part over TCP. Each command is answered by one line of kind a. */
#include "selfcheck.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_LINES 1000 /* of one sh or run */

void answer(const struct answer_to *to, char kind, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    size_t length = (size_t)snprintf(line, sizeof line, "SC1 %c %08x ", kind, boot_id()), room = sizeof line - 16;
    va_list arguments;

    va_start(arguments, format);
    length += (size_t)vsnprintf(line + length, room - length, format, arguments);
    va_end(arguments);
    if (length >= room)
        length = room - 1;
    length = line_seal(line, length);
    if (to->socket < 0)
        console_put(line, length, false);
    else
        (void)!send(to->socket, line, length, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static const char *const fault_names[] = {
    "none", "page-flip", "page-stale", "page-zero", "page-swap", "table-stale",
    "file-flip", "file-stale", "file-torn", "file-gone",
};

enum fault fault_named(const char *name)
{
    for (int i = 1; i < (int)(sizeof fault_names / sizeof *fault_names); i++)
        if (strcmp(name, fault_names[i]) == 0)
            return (enum fault)i;
    return FAULT_NONE;
}

static void inject(const char *name, const struct answer_to *to)
{
    enum fault fault = fault_named(name);

    if (fault == FAULT_NONE) {
        answer(to, 'a', "error inject: no such fault: %.40s", name);
        return;
    }
    if (fault >= FAULT_FILE_FLIP)
        atomic_store(&pending_file_fault, fault);
    else
        atomic_store(&pending_page_fault, fault);
    answer(to, 'a', "ok inject %s", name);
}

/* Applies all assignments, or none. */
static void change(const char *command, char *assignments, const struct answer_to *to)
{
    struct settings settings = settings_now();
    char *word;

    while ((word = strsep(&assignments, " ")) != NULL) {
        const char *problem = *word == '\0' ? NULL : settings_apply(&settings, word, false);

        if (problem != NULL) {
            answer(to, 'a', "error %s: %.60s: %s", command, word, problem);
            return;
        }
    }
    settings_change(&settings);
    answer(to, 'a', "ok %s", command);
}

static void set_paused(bool paused, const struct answer_to *to)
{
    struct settings settings = settings_now();

    settings.paused = paused;
    settings_change(&settings);
    answer(to, 'a', "ok %s", paused ? "pause" : "resume");
}

struct job {
    char command[512];
    char label[64];
};

/* Runs a shell command beside everything else: its output as lines of kind o, its end as "done". */
static void *job_thread(void *argument)
{
    static const struct answer_to console = {.socket = -1};
    struct job *job = argument;
    uint64_t start = clock_us(CLOCK_MONOTONIC);
    char text[800];
    int lines = 0, status;
    FILE *output = popen(job->command, "r");

    if (output == NULL) {
        answer(&console, 'a', "error %s: can't be started", job->label);
        free(job);
        return NULL;
    }
    while (fgets(text, sizeof text, output) != NULL) {
        text[strcspn(text, "\r\n")] = '\0';
        if (lines++ < OUTPUT_LINES)
            answer(&console, 'o', "%s", text);
    }
    status = pclose(output);
    answer(&console, 'a', "done %s status=%d ms=%llu", job->label, WIFEXITED(status) ? WEXITSTATUS(status) : 255,
           (unsigned long long)(clock_us(CLOCK_MONOTONIC) - start) / 1000);
    free(job);
    return NULL;
}

static void start_job(const char *label, const char *format, const char *arguments, const struct answer_to *to)
{
    struct job *job = calloc(1, sizeof *job);
    pthread_t thread;

    if (job == NULL || !initial_settings.shell || to->socket >= 0) {
        answer(to, 'a', "error %s: only on the console, and only with shell=yes", label);
        free(job);
        return;
    }
    snprintf(job->label, sizeof job->label, "%s", label);
    if (strcmp(label, "run") == 0)
        snprintf(job->label, sizeof job->label, "run %.50s", arguments);
    snprintf(job->command, sizeof job->command, format, arguments);
    answer(to, 'a', "ok %s", job->label);
    if (pthread_create(&thread, NULL, job_thread, job) == 0)
        pthread_detach(thread);
    else
        free(job);
}

static void power(const char *command, const struct answer_to *to)
{
    if (!initial_settings.power || to->socket >= 0) {
        answer(to, 'a', "error %s: only on the console, and only with power=yes", command);
        return;
    }
    answer(to, 'a', "ok %s", command);
    console_flush();
    if (system(strcmp(command, "reboot") == 0 ? "reboot" : "poweroff") != 0)
        answer(to, 'a', "error %s: refused", command);
}

static void listen_on(const char *port, const struct answer_to *to)
{
    const char *problem = network_listen(atoi(port));

    if (problem != NULL)
        answer(to, 'a', "error listen %.10s: %s", port, problem);
    else
        answer(to, 'a', "ok listen %.10s", port);
}

void command_run(char *line, const struct answer_to *to)
{
    char text[LINE_MAX_BYTES];
    char *arguments = line;
    const char *command = strsep(&arguments, " ");

    if (arguments == NULL)
        arguments = line + strlen(line);
    arguments += strspn(arguments, " ");
    if (strcmp(command, "rate") == 0 || strcmp(command, "hot") == 0)
        change(command, arguments, to);
    else if (strcmp(command, "pause") == 0)
        set_paused(true, to);
    else if (strcmp(command, "resume") == 0)
        set_paused(false, to);
    else if (strcmp(command, "inject") == 0)
        inject(arguments, to);
    else if (strcmp(command, "listen") == 0)
        listen_on(arguments, to);
    else if (strcmp(command, "sh") == 0)
        start_job("sh", "(%s) 2>&1 </dev/null", arguments, to);
    else if (strcmp(command, "run") == 0)
        start_job("run", "workload %s 2>&1 </dev/null", arguments, to);
    else if (strcmp(command, "poweroff") == 0 || strcmp(command, "reboot") == 0)
        power(command, to);
    else if (strcmp(command, "status") == 0 || strcmp(command, "probe") == 0) {
        size_t length = report_line(text, 'p', last_sequence(), arguments);

        if (to->socket < 0)
            console_put(text, length, false);
        else
            (void)!send(to->socket, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    } else
        answer(to, 'a', "error no such command: %.60s", command);
}
