/* Reads lines again, on the host: what is whole, what is torn. */
#include "selfcheck.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool line_open(char *line)
{
    char *end;
    size_t length = strcspn(line, "\r\n");

    line[length] = '\0';
    if (length < 15 || strncmp(line, "SC1 ", 4) != 0 || line[length - 9] != ' '
        || strspn(line + length - 8, "0123456789abcdef") != 8
        || strtoul(line + length - 8, &end, 16) != crc32_ieee(0, line, length - 9))
        return false;
    line[length - 9] = '\0';
    return true;
}

/* Other text on the console (firmware, kernel) is left out; a line with our marker must be whole. */
int lines_run(void)
{
    static char line[65536];
    int torn = 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *start = strstr(line, "SC1 ");

        if (start == NULL)
            continue;
        if (line_open(start))
            puts(start);
        else
            torn++;
    }
    if (torn > 0)
        fprintf(stderr, "selfcheck: %d torn lines\n", torn);
    return torn == 0 ? 0 : 1;
}
