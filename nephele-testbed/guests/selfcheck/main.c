/* Start: settings, then one thread each for memory, files, ticks and the console. */
#include "selfcheck.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: selfcheck [KEY=VALUE...]           run; also read: /etc/selfcheck.conf, selfcheck.KEY=VALUE of the kernel command line\n"
    "       selfcheck --verify DIRECTORY       verify the files of a selfcheck that is not running\n"
    "       selfcheck --self-test DIRECTORY    damage memory and files on purpose, and show that it is found in time\n"
    "       selfcheck --lines                  pass on the whole lines of a console on stdin, without checksums; exit 1 if some were torn\n"
    "settings: mem set pages mode content files filecount filesize tick sweep dir console screen listen power shell\n";

static void start(void *(*body)(void *))
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, body, NULL) != 0) {
        fprintf(stderr, "selfcheck: can't start a thread\n");
        exit(1);
    }
}

static void load_settings(int argc, char **argv)
{
    const char *problem = settings_read(&initial_settings, "/etc/selfcheck.conf", "");

    if (problem == NULL)
        problem = settings_read(&initial_settings, "/proc/cmdline", "selfcheck.");
    for (int i = 1; i < argc && problem == NULL; i++)
        problem = settings_apply(&initial_settings, argv[i], true);
    if (problem != NULL) {
        fprintf(stderr, "selfcheck: %s\n%s", problem, usage);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    const struct answer_to console = {.socket = -1};

    signal(SIGPIPE, SIG_IGN);
    report_start();
    if (argc == 3 && strcmp(argv[1], "--verify") == 0)
        return files_verify_offline(argv[2]);
    if (argc == 3 && strcmp(argv[1], "--self-test") == 0)
        return selftest_run(argv[0], argv[2]);
    if (argc == 2 && strcmp(argv[1], "--lines") == 0)
        return lines_run();
    load_settings(argc, argv);
    console_open();
    answer(&console, 's', "version=1 pid=%d mem=%llu dir=%s", (int)getpid(),
           (unsigned long long)initial_settings.memory_bytes, initial_settings.directory);
    for (int i = 0; i < initial_settings.port_count; i++) {
        const char *problem = network_listen(initial_settings.ports[i]);

        if (problem != NULL)
            answer(&console, 'a', "error listen %d: %s", initial_settings.ports[i], problem);
    }
    start(memory_thread);
    start(files_thread);
    start(console_reader_thread);
    tick_thread(NULL);
    return 0;
}
