/* The version of the kernel as one number.
 * Its own file because the probe, the control group probe and the doctor compare versions.
 * Changes when: a kernel's release string is to be read otherwise. */
#ifndef BJ_KERNEL_H
#define BJ_KERNEL_H

#include "host/small.h"

#include <linux/version.h>

/* uname(2)'s release, "6.18.44-fc" -> KERNEL_VERSION(6, 18, 44); what is missing or absurd counts as 0. */
static inline uint32_t bj__kernel_version(const char *release)
{
    uint32_t version = 0;
    for (unsigned shift = 16; shift <= 16; shift -= 8) {
        uint64_t number = 0;
        if (bj__digits(&release, &number) < 0)
            break;
        version |= (number > 255 ? 255u : (uint32_t)number) << shift; /* 4.9.337: as KERNEL_VERSION does */
        if (*release++ != '.')
            break;
    }
    return version;
}

#endif
