/* Runs a fuzzer's function over files, without a fuzzer: so that every compiler replays every corpus in the tests.
 * Changes when: never. usage: NAME-replay FILE... */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        static uint8_t bytes[1u << 20];
        FILE *file = fopen(argv[i], "re");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        size_t size = fread(bytes, 1, sizeof(bytes), file);
        (void)fclose(file);
        uint8_t *exact = malloc(size ? size : 1); /* one byte too many is then seen by ASan and valgrind */
        if (!exact)
            return 1;
        for (size_t at = 0; at < size; at++)
            exact[at] = bytes[at];
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    (void)printf("replayed %d files\n", argc - 1);
    return 0;
}
