/*
 * The files thread: writes files at the set rate and verifies all of them once a sweep.
 *
 * A write is: temporary name, fsync, rename, fsync of the directory; then the same for the manifest, which
 * holds the version of each file. So after a crash a file may be one version ahead of the manifest, never behind.
 * Files are read with O_DIRECT, so that the disk itself is verified and not the page cache.
 */
#include "selfcheck.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAGIC 0x31656c69662d6373ull /* "sc-file1" */
#define SLICE_US 20000u

/* First words of each file; the rest follows the pattern. */
struct file_header {
    uint64_t magic, seed;
    uint32_t index, version;
    uint64_t bytes;
};

_Atomic int pending_file_fault;

static int folder = -1;
static uint64_t seed;
static uint32_t count, bytes;
static uint32_t *versions;
static uint8_t *expected, *found;

static void complain(uint32_t file, const char *what)
{
    report_error("file %u: %s: %s", file, what, strerror(errno));
}

static void content(uint8_t *target, uint32_t file, uint32_t version)
{
    struct file_header header = {MAGIC, seed, file, version, bytes};
    struct page_state state = {.base = version, .version = version};

    for (uint32_t page = 0; page < bytes / PAGE_BYTES; page++)
        pattern_fill((uint64_t *)(target + page * PAGE_BYTES), seed, file * 4096 + page, &state);
    memcpy(target, &header, sizeof header);
}

/* Durable: when it returns true, the name leads to these bytes after any crash. */
static bool write_durably(const char *name, const void *data, size_t length)
{
    char temporary[40];
    int fd;
    bool written;

    snprintf(temporary, sizeof temporary, "%.32s.new", name);
    fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    for (size_t at = 0; at < length;) {
        ssize_t n = write(fd, (const char *)data + at, length - at);

        if (n < 0) {
            close(fd);
            return false;
        }
        at += (size_t)n;
    }
    written = fsync(fd) == 0;
    written = close(fd) == 0 && written;
    return written && renameat(folder, temporary, folder, name) == 0 && fsync(folder) == 0;
}

static bool write_manifest(void)
{
    size_t room = 128 + count * 24ul, length;
    char *text = malloc(room);
    bool written;

    if (text == NULL)
        return false;
    length = (size_t)snprintf(text, room, "selfcheck 1 %016llx %u %u\n", (unsigned long long)seed, count, bytes);
    for (uint32_t file = 0; file < count; file++)
        length += (size_t)snprintf(text + length, room - length, "%u %u\n", file, versions[file]);
    length += (size_t)snprintf(text + length, room - length, "crc %08x\n", crc32_ieee(0, text, length));
    written = write_durably("manifest", text, length);
    free(text);
    return written;
}

static void write_file(uint32_t file)
{
    char name[16];

    snprintf(name, sizeof name, "f%04u", file);
    content(expected, file, versions[file] + 1);
    if (!write_durably(name, expected, bytes)) {
        complain(file, "can't be written");
        return;
    }
    versions[file]++;
    if (!write_manifest())
        complain(file, "its manifest can't be written");
    atomic_fetch_add(&counters.files_written, 1);
}

/* Reads a file from the disk itself. Where O_DIRECT is refused (tmpfs), the cache is asked to let go; io= says so. */
static bool read_file(const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECT | O_CLOEXEC);
    bool direct = fd >= 0, whole = false;
    struct stat status;

    if (!direct && errno == EINVAL)
        fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    atomic_store(&counters.direct_io, direct);
    if (!direct)
        posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (fstat(fd, &status) == 0 && status.st_size != (off_t)bytes) {
        errno = ENODATA;
    } else {
        uint32_t at = 0;

        while (at < bytes) {
            ssize_t n = read(fd, found + at, bytes - at);

            if (n <= 0) {
                errno = n == 0 ? ENODATA : errno;
                break;
            }
            at += (uint32_t)n;
        }
        whole = at == bytes;
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return whole;
}

static void describe(uint32_t file)
{
    struct file_header header;
    uint32_t page = 0;

    memcpy(&header, found, sizeof header);
    if (header.magic == MAGIC && header.index == file && header.version != versions[file]) {
        report_error("file %u: stale or wrong version %u instead of %u", file, header.version, versions[file]);
        return;
    }
    while (memcmp(expected + page * PAGE_BYTES, found + page * PAGE_BYTES, PAGE_BYTES) == 0)
        page++;
    report_error("file %u: version %u differs in its page %u", file, versions[file], page);
}

/* Returns whether the file is whole. */
static bool verify(uint32_t file)
{
    char name[16];
    bool whole = false;

    snprintf(name, sizeof name, "f%04u", file);
    atomic_fetch_add(&counters.files_verified, 1);
    if (!read_file(name)) {
        complain(file, "can't be read");
    } else {
        content(expected, file, versions[file]);
        whole = memcmp(expected, found, bytes) == 0;
        if (!whole)
            describe(file);
    }
    return whole;
}

/* The manifest on disk must say what we know: it is what a reboot goes by. */
static void end_of_sweep(void)
{
    char path[PATH_MAX], word[32];
    unsigned file, version, line = 0;
    FILE *manifest;

    atomic_fetch_add(&counters.file_sweeps, 1);
    snprintf(path, sizeof path, "%s/manifest", initial_settings.directory);
    manifest = fopen(path, "re");
    if (manifest == NULL) {
        report_error("manifest: can't be read: %s", strerror(errno));
        return;
    }
    posix_fadvise(fileno(manifest), 0, 0, POSIX_FADV_DONTNEED);
    if (fscanf(manifest, "selfcheck 1 %31s %*u %*u", word) == 1)
        while (line < count && fscanf(manifest, "%u %u", &file, &version) == 2 && file == line
               && version == versions[file])
            line++;
    fclose(manifest);
    if (line != count)
        report_error("manifest: file %u is not at version %u", line, line < count ? versions[line] : 0);
}

/* Damage on purpose, behind the back of what we know. */
static void inject(enum fault fault, uint32_t file)
{
    char name[16];

    snprintf(name, sizeof name, "f%04u", file);
    content(expected, file, versions[file]);
    switch (fault) {
    case FAULT_FILE_FLIP:
        expected[bytes / 2] ^= 1;
        break;
    case FAULT_FILE_STALE:
        content(expected, file, versions[file] - 1);
        break;
    case FAULT_FILE_TORN: /* its second half is of the version before; nothing at all if a file were one header long */
        memcpy(found, expected, bytes / 2);
        content(expected, file, versions[file] - 1);
        memcpy(expected, found, bytes / 2);
        break;
    case FAULT_FILE_GONE:
        unlinkat(folder, name, 0);
        return;
    default:
        return;
    }
    write_durably(name, expected, bytes);
}

static bool prepare(const char *directory)
{
    folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return false;
    free(versions);
    free(expected);
    free(found);
    versions = calloc(count, sizeof *versions);
    expected = aligned_alloc(PAGE_BYTES, bytes);
    found = aligned_alloc(PAGE_BYTES, bytes);
    return versions != NULL && expected != NULL && found != NULL;
}

enum load { LOAD_NONE, LOAD_WHOLE, LOAD_DAMAGED };

/* Reads the manifest that an earlier run left. */
static enum load load_manifest(const char *directory)
{
    char path[PATH_MAX], text[65536];
    char *crc, *line;
    unsigned long long manifest_seed;
    size_t length;
    FILE *file;

    snprintf(path, sizeof path, "%s/manifest", directory);
    file = fopen(path, "re");
    if (file == NULL)
        return errno == ENOENT ? LOAD_NONE : LOAD_DAMAGED;
    length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    crc = strstr(text, "\ncrc ");
    if (crc == NULL || strtoul(crc + 5, NULL, 16) != crc32_ieee(0, text, (size_t)(crc + 1 - text))
        || sscanf(text, "selfcheck 1 %llx %u %u", &manifest_seed, &count, &bytes) != 3
        || count < 1 || count > 4096 || bytes < PAGE_BYTES || bytes > 16u << 20 || bytes % PAGE_BYTES != 0)
        return LOAD_DAMAGED;
    seed = manifest_seed;
    if (!prepare(directory))
        return LOAD_DAMAGED;
    line = text;
    for (uint32_t i = 0; i < count; i++) {
        unsigned index, version;

        line = strchr(line, '\n');
        if (line == NULL || sscanf(++line, "%u %u", &index, &version) != 2 || index != i)
            return LOAD_DAMAGED;
        versions[i] = version;
    }
    return LOAD_WHOLE;
}

/* Adopts what an earlier run left: at most one file may be one version ahead of the manifest, none behind. */
static void verify_after_restart(void)
{
    unsigned ahead = 0;

    for (uint32_t file = 0; file < count; file++) {
        struct file_header header = {0};
        char name[16];

        snprintf(name, sizeof name, "f%04u", file);
        if (read_file(name))
            memcpy(&header, found, sizeof header);
        if (header.magic == MAGIC && header.index == file && header.version == versions[file] + 1 && ahead++ == 0)
            versions[file]++;
        verify(file);
    }
}

int files_verify_offline(const char *directory)
{
    if (load_manifest(directory) != LOAD_WHOLE) {
        fprintf(stderr, "selfcheck: %s has no manifest, or a damaged one\n", directory);
        return 1;
    }
    verify_after_restart();
    return error_count() == 0 ? 0 : 1;
}

static bool start(const struct settings *settings)
{
    mkdir(settings->directory, 0755);
    switch (load_manifest(settings->directory)) {
    case LOAD_DAMAGED:
        report_error("manifest: damaged");
        return false;
    case LOAD_WHOLE:
        verify_after_restart();
        if (count == settings->file_count && bytes == settings->file_bytes)
            return true;
        for (uint32_t file = 0; file < count; file++) { /* other settings now: start anew */
            char name[16];

            snprintf(name, sizeof name, "f%04u", file);
            unlinkat(folder, name, 0);
        }
        close(folder);
        break;
    case LOAD_NONE:
        break;
    }
    count = settings->file_count;
    bytes = settings->file_bytes;
    seed = mix64(boot_id() * 31ull + clock_us(CLOCK_REALTIME));
    if (!prepare(settings->directory)) {
        report_error("directory %s: %s", settings->directory, strerror(errno));
        return false;
    }
    for (uint32_t file = 0; file < count; file++)
        write_file(file);
    return true;
}

void *files_thread(void *unused)
{
    struct settings settings = settings_now();
    double to_write = 0, to_verify = 0;
    uint64_t last, random_state = boot_id();
    uint32_t sweep_at = 0;

    (void)unused;
    if (!start(&settings))
        return NULL;
    last = clock_us(CLOCK_MONOTONIC);
    for (;;) {
        uint64_t now, elapsed;
        enum fault fault;

        nanosleep(&(struct timespec){.tv_nsec = SLICE_US * 1000}, NULL);
        settings = settings_now();
        now = clock_us(CLOCK_MONOTONIC);
        elapsed = now - last < 1000000 ? now - last : 1000000; /* a slow disk: no more than a second is made up for */
        last = now;
        if (settings.paused)
            continue;
        fault = (enum fault)atomic_exchange(&pending_file_fault, FAULT_NONE);
        if (fault != FAULT_NONE)
            inject(fault, (uint32_t)(mix64(random_state++) % count));
        for (to_write += settings.files_per_s * (double)elapsed / 1e6; to_write >= 1; to_write--) {
            uint32_t file = (uint32_t)(mix64(random_state++) % count);

            verify(file); /* damage must not be covered by the next write */
            write_file(file);
        }
        if (settings.sweep_us == 0)
            continue;
        for (to_verify += (double)count * (double)elapsed / (double)settings.sweep_us; to_verify >= 1; to_verify--) {
            if (!verify(sweep_at))
                write_file(sweep_at); /* so that one damage counts once */
            if (++sweep_at >= count) {
                sweep_at = 0;
                end_of_sweep();
            }
        }
    }
    return NULL;
}
