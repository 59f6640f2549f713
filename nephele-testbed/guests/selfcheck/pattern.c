/* What a page holds: a pure function of (seed, page number, state), so any page can be verified at any time. */
#include "selfcheck.h"

#define GOLDEN 0x9e3779b97f4a7c15ull
#define GROUPS 10u /* MODE_TENTH touches one of these groups of words a version */

/* The finaliser of splitmix64: a bijection on 64 bits that passes for random. */
uint64_t mix64(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebull;
    return value ^ (value >> 31);
}

static uint64_t version_key(uint64_t seed, uint32_t page, uint32_t version)
{
    return mix64(seed ^ mix64(((uint64_t)page << 32 | version) + GOLDEN));
}

static uint64_t word_at(uint64_t key, unsigned index, uint8_t content)
{
    uint64_t word = mix64(key + (index + 1) * GOLDEN);

    if (content == CONTENT_TEXT) /* letters a..p */
        word = (word & 0x0f0f0f0f0f0f0f0full) + 0x6161616161616161ull;
    return word;
}

/* The last version up to the present one that touched this group; never before base. */
static uint32_t last_touch(const struct page_state *state, uint32_t group)
{
    uint32_t back = (state->version % GROUPS + GROUPS - group) % GROUPS;

    return state->version - state->base > back ? state->version - back : state->base;
}

void pattern_fill(uint64_t *words, uint64_t seed, uint32_t page, const struct page_state *state)
{
    uint64_t base_key = version_key(seed, page, state->base);

    if (state->mode == MODE_TENTH && state->version != state->base) {
        uint64_t group_key = mix64(seed + mix64(page));
        uint64_t keys[GROUPS];

        for (uint32_t group = 0; group < GROUPS; group++)
            keys[group] = version_key(seed, page, last_touch(state, group));
        for (unsigned i = 0; i < PAGE_WORDS; i++) {
            uint32_t group = (uint32_t)((mix64(group_key + i) >> 32) * GROUPS >> 32);
            words[i] = word_at(keys[group], i, state->content);
        }
        return;
    }
    for (unsigned i = 0; i < PAGE_WORDS; i++)
        words[i] = word_at(base_key, i, state->content);
    if (state->mode == MODE_COUNTER && state->version != state->base)
        words[base_key % PAGE_WORDS] = state->version;
}

uint32_t crc32_ieee(uint32_t crc, const void *data, size_t bytes)
{
    static const uint32_t nibble[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *byte = data;

    crc = ~crc;
    for (size_t i = 0; i < bytes; i++) {
        crc = (crc >> 4) ^ nibble[(crc ^ byte[i]) & 15];
        crc = (crc >> 4) ^ nibble[(crc ^ (byte[i] >> 4)) & 15];
    }
    return ~crc;
}
