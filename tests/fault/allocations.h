/* What a test may ask of allocations.c.
 * Its own file because library.c is linked with it.
 * Changes when: a test wants to know more of the allocations. */
#ifndef BJ_TEST_ALLOCATIONS_H
#define BJ_TEST_ALLOCATIONS_H

long bj_test_live_allocations(void); /* blocks and mappings that were not given back */

#endif
