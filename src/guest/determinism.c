/* A run that repeats exactly: whether it is one, and where its clocks and its chance begin.
 * Its own file because the rest of the guest needs to know no more of it than this.
 * Changes when: something else has to repeat.
 *
 * What is fixed is told in the program's arguments, which the library makes and no snippet: the hash seed must be known
 * before there is an interpreter. The addresses are the kernel's, asked for by the plan. */
#include "determinism.h"

#include "guest.h"

static struct {
    bool on;
    uint32_t seed;
    int64_t start_s;
} fixed;

static int read_number(const char *text, unsigned long long most, unsigned long long *ret_number)
{
    char *end;
    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    return *text && !*end && errno == 0 && *ret_number <= most ? 0 : -1;
}

/* In a child that the C library makes: what is chance in both must not be the same in both. Its number in the jail is the
 * same each time. */
static void begin_in_child(void)
{
    guest_fixed_chance_begin((uint64_t)getpid() << 32 | fixed.seed);
}

int guest_fix(const struct arguments *arguments)
{
    unsigned long long seed;
    unsigned long long start_s;
    if (!arguments->seed && !arguments->start)
        return 0;
    if (!arguments->seed || !arguments->start || read_number(arguments->seed, UINT32_MAX, &seed) < 0 ||
        read_number(arguments->start, INT32_MAX * 4ull, &start_s) < 0)
        return -1;
    fixed.on = true;
    fixed.seed = (uint32_t)seed;
    fixed.start_s = (int64_t)start_s;
    struct guest_calls calls = *guest_libc();
    guest_fixed_clock_calls(&calls);
    guest_fixed_chance_calls(&calls);
    guest_fixed_waits_calls(&calls);
    guest_fixed_begin();
    guest_answer_calls(&calls);
    return pthread_atfork(NULL, NULL, begin_in_child) == 0 ? 0 : -1;
}

bool guest_fixed_hash_seed(unsigned long *ret_seed)
{
    if (fixed.on)
        *ret_seed = fixed.seed;
    return fixed.on;
}

void guest_fixed_begin(void)
{
    if (!fixed.on)
        return;
    guest_fixed_clock_begin(fixed.start_s);
    guest_fixed_chance_begin(fixed.seed);
}
