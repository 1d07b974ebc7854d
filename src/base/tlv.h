/* Tag, length, value: how one process of ours tells another what it cannot put into a fixed struct.
 * Its own file because both ends of every wire read and write by these functions, and nobody else counts bytes.
 * Changes when: values get another form.
 *
 * A record is a head of eight bytes (tag: 16 bits, zero: 16 bits, length: 32 bits, little endian) and length bytes. Records stand one
 * behind the other, without gaps. Whoever reads them owes them nothing: a record that is cut off, has a bit set in zero, or a value
 * of another form than was asked for is -EBADMSG, and nothing behind it is read. */
#ifndef BJ_TLV_H
#define BJ_TLV_H

#include "base/buf.h"

#define BJ_TLV_HEAD 8u

struct bj_tlv {
    uint16_t tag;
    const unsigned char *bytes;
    uint32_t length;
};

struct bj_tlv_reader {
    const unsigned char *at;
    size_t left;
};

void bj__tlv_start(struct bj_tlv_reader *reader, const void *bytes, size_t length);
/* 1: *ret_record is the next one. 0: that was all. -EBADMSG. */
int bj__tlv_next(struct bj_tlv_reader *reader, struct bj_tlv *ret_record);
/* A number: eight bytes, at most most. -EBADMSG, -ERANGE. */
int bj__tlv_number(const struct bj_tlv *record, uint64_t most, uint64_t *ret_number);
/* A text: it ends with its only NUL. Points into the record. */
int bj__tlv_text(const struct bj_tlv *record, const char **ret_text);

/* All of these: 0, -ENOBUFS, -ENOMEM; all or nothing. */
int bj__tlv_add(struct bj_buf *buf, uint16_t tag, const void *bytes, size_t length);
int bj__tlv_add_number(struct bj_buf *buf, uint16_t tag, uint64_t number);
/* NULL: no record. */
int bj__tlv_add_text(struct bj_buf *buf, uint16_t tag, const char *text);
/* A record whose value is records: what is added until bj__tlv_close. */
int bj__tlv_open(struct bj_buf *buf, uint16_t tag, size_t *ret_start);
int bj__tlv_close(struct bj_buf *buf, size_t start);

#endif
