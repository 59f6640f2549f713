/* Settings: key=value, from defaults, /etc/selfcheck.conf, the kernel command line, arguments and commands. */
#include "selfcheck.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings initial_settings = {
    .memory_bytes = 16u << 20,
    .pages_per_s = 100,
    .mode = MODE_WHOLE,
    .content = CONTENT_RANDOM,
    .files_per_s = 1,
    .file_count = 16,
    .file_bytes = 64u << 10,
    .tick_us = 1000000,
    .sweep_us = 10000000,
    .directory = "/var/lib/selfcheck",
    .console = "/dev/ttyS0",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings changed_settings;
static bool changed_once;

struct settings settings_now(void)
{
    struct settings now;

    pthread_mutex_lock(&lock);
    now = changed_once ? changed_settings : initial_settings;
    pthread_mutex_unlock(&lock);
    return now;
}

void settings_change(const struct settings *changed)
{
    pthread_mutex_lock(&lock);
    changed_settings = *changed;
    changed_once = true;
    pthread_mutex_unlock(&lock);
}

/* A number with one of the given suffixes ("" is the last), as "64M" or "10ms". */
struct suffix { const char *name; double factor; };
static const struct suffix sizes[] = {{"K", 1024}, {"M", 1048576}, {"G", 1073741824}, {"", 1}};
static const struct suffix times[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}, {"", 1000000}};
static const struct suffix plain[] = {{"", 1}};

static bool number(const char *text, const struct suffix *suffixes, double low, double high, double *value)
{
    char *end;
    double found;

    errno = 0;
    found = strtod(text, &end);
    if (end == text || errno != 0)
        return false;
    for (const struct suffix *suffix = suffixes;; suffix++) {
        if (strcmp(end, suffix->name) == 0) {
            *value = found * suffix->factor;
            return *value >= low && *value <= high; /* false for NaN too */
        }
        if (suffix->name[0] == '\0')
            return false;
    }
}

static const char *set_ports(struct settings *settings, const char *value)
{
    settings->port_count = 0;
    while (*value != '\0') {
        char *end;
        long port = strtol(value, &end, 10);

        if (end == value || port < 1 || port > 65535 || (*end != ',' && *end != '\0'))
            return "listen= wants ports such as 7,80";
        if (settings->port_count == MAX_PORTS)
            return "listen= takes 8 ports at most";
        settings->ports[settings->port_count++] = (int)port;
        value = *end == ',' ? end + 1 : end;
    }
    return NULL;
}

static const char *set_text(char *target, size_t room, const char *value)
{
    if (strlen(value) >= room)
        return "the value is too long";
    strcpy(target, value);
    return NULL;
}

static bool one_of(const char *value, const char *const *names, int count, int *index)
{
    for (*index = 0; *index < count; ++*index)
        if (strcmp(value, names[*index]) == 0)
            return true;
    return false;
}

static const char *apply_at_start(struct settings *settings, const char *key, const char *value)
{
    double n;

    if (strcmp(key, "dir") == 0)
        return set_text(settings->directory, sizeof settings->directory, value);
    if (strcmp(key, "console") == 0)
        return set_text(settings->console, sizeof settings->console, value);
    if (strcmp(key, "screen") == 0)
        return set_text(settings->screen, sizeof settings->screen, value);
    if (strcmp(key, "listen") == 0)
        return set_ports(settings, value);
    if (strcmp(key, "power") == 0)
        return settings->power = strcmp(value, "yes") == 0, NULL;
    if (strcmp(key, "shell") == 0)
        return settings->shell = strcmp(value, "yes") == 0, NULL;
    if (strcmp(key, "filecount") == 0) {
        if (!number(value, plain, 1, 4096, &n))
            return "filecount= wants 1 to 4096";
        settings->file_count = (uint32_t)n;
        return NULL;
    }
    if (strcmp(key, "filesize") == 0) {
        if (!number(value, sizes, PAGE_BYTES, 16 << 20, &n) || (uint32_t)n % PAGE_BYTES != 0)
            return "filesize= wants a multiple of 4096 bytes, 16M at most";
        settings->file_bytes = (uint32_t)n;
        return NULL;
    }
    return "there is no such setting";
}

static const char *apply(struct settings *settings, const char *key, const char *value, bool at_start)
{
    static const char *const modes[] = {"whole", "tenth", "counter"};
    static const char *const contents[] = {"random", "text"};
    double n;
    int index;

    if (strcmp(key, "mem") == 0) {
        if (!number(value, sizes, 0, 64.0 * 1073741824, &n))
            return "mem= wants a size such as 64M";
        settings->memory_bytes = (uint64_t)n / PAGE_BYTES * PAGE_BYTES;
    } else if (strcmp(key, "set") == 0) {
        if (!number(value, sizes, 0, 64.0 * 1073741824, &n))
            return "set= wants a size such as 8M, or 0 for all";
        settings->set_bytes = (uint64_t)n / PAGE_BYTES * PAGE_BYTES;
    } else if (strcmp(key, "pages") == 0) {
        if (!number(value, plain, 0, 1e7, &n))
            return "pages= wants a number of pages a second";
        settings->pages_per_s = (uint32_t)n;
    } else if (strcmp(key, "files") == 0) {
        if (!number(value, plain, 0, 1000, &n))
            return "files= wants a number of files a second, 1000 at most";
        settings->files_per_s = n;
    } else if (strcmp(key, "tick") == 0) {
        if (!number(value, times, 1000, 3600e6, &n))
            return "tick= wants a time such as 10ms; 1ms at least";
        settings->tick_us = (uint64_t)n;
    } else if (strcmp(key, "sweep") == 0) {
        if (!number(value, times, 0, 3600e6, &n))
            return "sweep= wants a time such as 10s, or 0 for never";
        settings->sweep_us = (uint64_t)n;
    } else if (strcmp(key, "mode") == 0) {
        if (!one_of(value, modes, 3, &index))
            return "mode= wants whole, tenth or counter";
        settings->mode = (enum page_mode)index;
    } else if (strcmp(key, "content") == 0) {
        if (!one_of(value, contents, 2, &index))
            return "content= wants random or text";
        settings->content = (enum page_content)index;
    } else if (at_start) {
        return apply_at_start(settings, key, value);
    } else {
        return "there is no such setting, or it is fixed at start";
    }
    return NULL;
}

const char *settings_apply(struct settings *settings, const char *assignment, bool at_start)
{
    char key[32];
    const char *equals = strchr(assignment, '=');

    if (equals == NULL || equals == assignment || (size_t)(equals - assignment) >= sizeof key)
        return "expected key=value";
    memcpy(key, assignment, (size_t)(equals - assignment));
    key[equals - assignment] = '\0';
    return apply(settings, key, equals + 1, at_start);
}

const char *settings_read(struct settings *settings, const char *path, const char *prefix)
{
    static char error[256];
    char text[4096];
    char *rest = text, *word;
    size_t length;
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return NULL;
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    for (char *hash = text; (hash = strchr(hash, '#')) != NULL;) /* comments end with their line */
        while (*hash != '\0' && *hash != '\n')
            *hash++ = ' ';
    while ((word = strsep(&rest, " \t\r\n")) != NULL) {
        const char *problem;

        if (*word == '\0' || strncmp(word, prefix, strlen(prefix)) != 0)
            continue;
        problem = settings_apply(settings, word + strlen(prefix), true);
        if (problem != NULL) {
            snprintf(error, sizeof error, "%s: %.60s: %s", path, word, problem);
            return error;
        }
    }
    return NULL;
}
