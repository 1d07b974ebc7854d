/* An answer in events (text/event-stream): what is written and not yet sent.
 * Its own file because framing and the limit of what a slow reader may pile up belong together, and are tested alone.
 * Changes when: events are framed in another way. */
#ifndef BJ_SERVER_STREAM_H
#define BJ_SERVER_STREAM_H

#include "server/service.h"

#define BJ_STREAM_BLOCK 16384
#define BJ_STREAM_MOST                                                                                         \
    (4u << 20) /* bytes that may wait for a slow reader, besides the last event; more than come in one turn */

struct bj_stream_out;

struct bj_stream_out *bj__stream_new(struct bj_service *service);
void bj__stream_free(struct bj_stream_out *stream);
/* One event; its data may have several lines. False: too much is waiting, or memory is short. */
bool bj__stream_event(struct bj_stream_out *stream, const char *event, const void *data, size_t length);
void bj__stream_end(struct bj_stream_out *stream);
bool bj__stream_ended(const struct bj_stream_out *stream);
/* Takes out at most most bytes. */
size_t bj__stream_read(struct bj_stream_out *stream, char *bytes, size_t most);

/* "event: NAME\ndata: LINE\n...\n" appended; 0 or -errno. A line ends at LF, CR or both, as readers see it. */
int bj__stream_frame(struct bj_buf *buf, const char *event, const char *data, size_t length);
/* Bytes of output as what an event says of them: a JSON text in UTF-8, or, where they are none, in base64 (*ret_base64). */
int bj__stream_output(struct bj_buf *buf, const void *bytes, size_t length, bool *ret_base64);
/* How many bytes at the end are the beginning of a character whose rest may follow: 0 to 3. */
size_t bj__stream_cut(const unsigned char *bytes, size_t length);
/* An event "stdout" or "stderr", or with "_base64". A character that is cut waits for its rest, or for bj__stream_flush. As bj__stream_event. */
bool bj__stream_piece(struct bj_stream_out *stream, enum bj_stream which, const void *bytes, size_t length);
bool bj__stream_flush(struct bj_stream_out *stream);

#endif
