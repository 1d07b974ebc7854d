/* Tag, length, value: see tlv.h.
 * Its own file because a reader that goes one byte too far is a hole, and this is the only one.
 * Changes when: values get another form. */
#include "base/tlv.h"

#include <endian.h>

#define NUMBER_BYTES 8u

void bj__tlv_start(struct bj_tlv_reader *reader, const void *bytes, size_t length)
{
    *reader = (struct bj_tlv_reader){.at = bytes, .left = length};
}

int bj__tlv_next(struct bj_tlv_reader *reader, struct bj_tlv *ret_record)
{
    uint16_t words[2];
    uint32_t length;
    if (reader->left == 0)
        return 0;
    if (reader->left < BJ_TLV_HEAD)
        return -EBADMSG;
    memcpy(words, reader->at, sizeof(words));
    memcpy(&length, reader->at + sizeof(words), sizeof(length));
    length = le32toh(length);
    if (words[1] != 0 || length > reader->left - BJ_TLV_HEAD)
        return -EBADMSG;
    *ret_record =
        (struct bj_tlv){.tag = le16toh(words[0]), .bytes = reader->at + BJ_TLV_HEAD, .length = length};
    reader->at += BJ_TLV_HEAD + length;
    reader->left -= BJ_TLV_HEAD + length;
    return 1;
}

int bj__tlv_number(const struct bj_tlv *record, uint64_t most, uint64_t *ret_number)
{
    uint64_t number;
    if (record->length != NUMBER_BYTES)
        return -EBADMSG;
    memcpy(&number, record->bytes, sizeof(number));
    number = le64toh(number);
    if (number > most)
        return -ERANGE;
    *ret_number = number;
    return 0;
}

int bj__tlv_text(const struct bj_tlv *record, const char **ret_text)
{
    if (record->length == 0 || memchr(record->bytes, 0, record->length) != record->bytes + record->length - 1)
        return -EBADMSG;
    *ret_text = (const char *)record->bytes;
    return 0;
}

static void put_head(unsigned char *head, uint16_t tag, size_t length)
{
    uint16_t words[2] = {htole16(tag), 0};
    uint32_t size = htole32((uint32_t)length);
    memcpy(head, words, sizeof(words));
    memcpy(head + sizeof(words), &size, sizeof(size));
}

int bj__tlv_add(struct bj_buf *buf, uint16_t tag, const void *bytes, size_t length)
{
    unsigned char head[BJ_TLV_HEAD];
    if (length > UINT32_MAX)
        return -ENOBUFS;
    int r = bj__buf_reserve(buf, sizeof(head) + length);
    if (r < 0)
        return r;
    put_head(head, tag, length);
    r = bj__buf_add(buf, head, sizeof(head));
    return r < 0 || length == 0 ? r : bj__buf_add(buf, bytes, length);
}

int bj__tlv_add_number(struct bj_buf *buf, uint16_t tag, uint64_t number)
{
    uint64_t bytes = htole64(number);
    return bj__tlv_add(buf, tag, &bytes, sizeof(bytes));
}

int bj__tlv_add_text(struct bj_buf *buf, uint16_t tag, const char *text)
{
    return text ? bj__tlv_add(buf, tag, text, strlen(text) + 1) : 0;
}

int bj__tlv_open(struct bj_buf *buf, uint16_t tag, size_t *ret_start)
{
    *ret_start = buf->length;
    return bj__tlv_add(buf, tag, NULL, 0);
}

int bj__tlv_close(struct bj_buf *buf, size_t start)
{
    uint16_t tag;
    size_t length = buf->length - start - BJ_TLV_HEAD;
    if (length > UINT32_MAX)
        return -ENOBUFS;
    memcpy(&tag, buf->bytes + start, sizeof(tag));
    put_head(buf->bytes + start, le16toh(tag), length);
    return 0;
}
