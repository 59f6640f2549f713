/*
 * The memory thread: dirties pages at the set rate and verifies every page once a sweep.
 *
 * A page is also verified just before it is written, so that damage can't be covered by the next write.
 * The table of versions lives in memory too; a stale table beside equally stale pages would look whole,
 * so the sum of all versions is kept apart and compared once a sweep.
 */
#include "selfcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define SLICE_US 10000u     /* work is done in portions of this time */
#define PORTION_US 50000u   /* longest time for the writes, and for the verifying, of one portion */
#define CATCH_UP_US 100000u /* a guest that got no CPU doesn't make up for more than this */

_Atomic int pending_page_fault;

static uint64_t seed;
static uint64_t *pages;
static struct page_state *table;
static uint64_t page_count;
static uint64_t version_sum;
static uint64_t random_state;
static uint64_t scratch[PAGE_WORDS];

static uint64_t *page_at(uint64_t page)
{
    return pages + page * PAGE_WORDS;
}

static uint64_t next_random(void)
{
    return mix64(random_state += 0x9e3779b97f4a7c15ull);
}

static void write_whole(uint64_t page, const struct settings *settings)
{
    struct page_state *state = &table[page];

    state->version++;
    version_sum++;
    state->base = state->version;
    state->mode = (uint8_t)settings->mode;
    state->content = (uint8_t)settings->content;
    pattern_fill(page_at(page), seed, (uint32_t)page, state);
}

static void allocate(const struct settings *settings)
{
    uint64_t wanted = settings->memory_bytes / PAGE_BYTES;

    if (page_count != 0) {
        munmap(pages, page_count * PAGE_BYTES);
        free(table);
    }
    page_count = 0;
    version_sum = 0;
    if (wanted == 0)
        return;
    table = calloc(wanted, sizeof *table);
    pages = mmap(NULL, wanted * PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (table == NULL || pages == MAP_FAILED) {
        report_error("memory: no room for %llu pages", (unsigned long long)wanted);
        free(table);
        return;
    }
    page_count = wanted;
    for (uint64_t page = 0; page < page_count; page++)
        write_whole(page, settings);
}

/* Says what is wrong with a page in the words that help most: stale, zero, or how many words differ. */
static void describe(uint64_t page)
{
    const uint64_t *found = page_at(page);
    struct page_state older = table[page];
    unsigned differing = 0, first = 0, zero = 0;

    for (unsigned i = PAGE_WORDS; i-- > 0;) {
        zero += found[i] == 0;
        if (found[i] != scratch[i]) {
            differing++;
            first = i;
        }
    }
    if (zero == PAGE_WORDS) {
        report_error("memory page %llu: zero instead of version %u", (unsigned long long)page, table[page].version);
        return;
    }
    for (unsigned back = 1; back <= 64 && older.version > 0; back++) {
        older.version--;
        if (older.version < older.base)
            older.base = older.version; /* right for pages that were written as a whole */
        pattern_fill(scratch, seed, (uint32_t)page, &older);
        if (memcmp(found, scratch, PAGE_BYTES) == 0) {
            report_error("memory page %llu: stale version %u instead of %u", (unsigned long long)page,
                         older.version, table[page].version);
            return;
        }
    }
    report_error("memory page %llu: %u of %u words differ from version %u, first at byte %u",
                 (unsigned long long)page, differing, PAGE_WORDS, table[page].version, first * 8);
}

/* A damaged page is written anew, so that one damage counts once. */
static void verify(uint64_t page, const struct settings *settings)
{
    pattern_fill(scratch, seed, (uint32_t)page, &table[page]);
    atomic_fetch_add(&counters.pages_verified, 1);
    if (memcmp(page_at(page), scratch, PAGE_BYTES) == 0)
        return;
    describe(page);
    write_whole(page, settings);
}

static void dirty(uint64_t page, const struct settings *settings)
{
    struct page_state *state = &table[page];
    uint64_t *words = page_at(page);

    verify(page, settings);
    if (settings->mode == MODE_WHOLE || state->content != settings->content
        || (state->mode != MODE_WHOLE && state->mode != settings->mode)) {
        write_whole(page, settings);
    } else {
        state->mode = (uint8_t)settings->mode; /* a page written as a whole goes on in any mode */
        state->version++;
        version_sum++;
        pattern_fill(scratch, seed, (uint32_t)page, state);
        for (unsigned i = 0; i < PAGE_WORDS; i++) /* write only what changes: the rest of the page stays clean in cache */
            if (words[i] != scratch[i])
                words[i] = scratch[i];
    }
    atomic_fetch_add(&counters.pages_written, 1);
}

static void end_of_sweep(void)
{
    uint64_t sum = 0;

    for (uint64_t page = 0; page < page_count; page++)
        sum += table[page].version;
    if (sum != version_sum) {
        report_error("memory table: the versions add up to %llu instead of %llu", (unsigned long long)sum,
                     (unsigned long long)version_sum);
        version_sum = sum;
    }
    atomic_fetch_add(&counters.page_sweeps, 1);
}

/* Damage on purpose, as a transfer that lost or mixed up pages would leave it. */
static void inject(enum fault fault)
{
    uint64_t page = next_random() % page_count;
    struct page_state older = table[page];

    switch (fault) {
    case FAULT_PAGE_FLIP:
        ((uint8_t *)page_at(page))[next_random() % PAGE_BYTES] ^= 0x10;
        break;
    case FAULT_PAGE_ZERO:
        memset(page_at(page), 0, PAGE_BYTES);
        break;
    case FAULT_PAGE_STALE:
        older.version--;
        older.base = older.version < older.base ? older.version : older.base;
        pattern_fill(page_at(page), seed, (uint32_t)page, &older);
        break;
    case FAULT_PAGE_SWAP:
        memcpy(scratch, page_at(page), PAGE_BYTES);
        memcpy(page_at(page), page_at((page + 1) % page_count), PAGE_BYTES);
        memcpy(page_at((page + 1) % page_count), scratch, PAGE_BYTES);
        break;
    case FAULT_TABLE_STALE: /* page and table go back together */
        older.version--;
        older.base = older.version;
        table[page] = older;
        pattern_fill(page_at(page), seed, (uint32_t)page, &older);
        break;
    default:
        break;
    }
}

/* One portion of work, for the time that has passed since the last one. */
static void work(const struct settings *settings, uint64_t elapsed)
{
    static double to_write, to_verify;
    static uint64_t sweep_at;
    uint64_t set = settings->set_bytes / PAGE_BYTES;
    uint64_t until = clock_us(CLOCK_MONOTONIC) + PORTION_US;
    enum fault fault = (enum fault)atomic_exchange(&pending_page_fault, FAULT_NONE);

    if (fault != FAULT_NONE)
        inject(fault);
    if (set == 0 || set > page_count)
        set = page_count;
    for (to_write += (double)settings->pages_per_s * (double)elapsed / 1e6; to_write >= 1; to_write--) {
        if (clock_us(CLOCK_MONOTONIC) >= until) {
            to_write = 0; /* the guest is too slow for this rate: pw in the report tells the true one */
            break;
        }
        dirty(next_random() % set, settings);
    }
    if (settings->sweep_us == 0)
        return;
    until = clock_us(CLOCK_MONOTONIC) + PORTION_US;
    to_verify += (double)page_count * (double)elapsed / (double)settings->sweep_us;
    for (; to_verify >= 1 && clock_us(CLOCK_MONOTONIC) < until; to_verify--) {
        if (sweep_at >= page_count) {
            sweep_at = 0;
            end_of_sweep();
        }
        verify(sweep_at++, settings);
    }
}

void *memory_thread(void *unused)
{
    struct settings settings = settings_now();
    uint64_t last = clock_us(CLOCK_MONOTONIC), allocated = settings.memory_bytes;

    (void)unused;
    seed = mix64(boot_id() + last);
    random_state = seed;
    allocate(&settings);
    for (;;) {
        uint64_t now, elapsed;

        nanosleep(&(struct timespec){.tv_nsec = SLICE_US * 1000}, NULL);
        settings = settings_now();
        now = clock_us(CLOCK_MONOTONIC);
        elapsed = now - last < CATCH_UP_US ? now - last : CATCH_UP_US;
        last = now;
        if (settings.memory_bytes != allocated) {
            allocated = settings.memory_bytes;
            allocate(&settings);
        }
        if (!settings.paused && page_count != 0)
            work(&settings, elapsed);
    }
    return NULL;
}
