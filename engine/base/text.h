#ifndef BASE_TEXT_H
#define BASE_TEXT_H
/*
 * Text from outside: is it UTF-8, is it visible, and how to show it safely.
 *
 *     if (!text_is_utf8(s)) ...
 *     text_escape(&out, s);     safe for a terminal, a log line, a report
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

/* Strict: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool text_is_utf8(struct str s);
/*
 * Decodes one code point at *at and moves on. Returns the code point, or -1
 * (and moves one byte) where the bytes are not UTF-8.
 */
int32_t text_decode(struct str s, size_t *at);
void text_encode(struct buf *out, uint32_t cp);
/*
 * True for what a person cannot see or that changes what he sees: C0 and C1
 * controls, DEL, bidi controls, zero-width, tag, filler and variation
 * characters, exotic spaces, private use and noncharacters.
 */
bool text_is_hidden(uint32_t cp);
/* Offset of the first hidden or ill-formed character except those in allow
 * (ASCII, may be NULL), or s.len when there is none. */
size_t text_find_hidden(struct str s, const char *allow);
/*
 * Appends s with everything hidden or ill-formed made visible: \n, \t, \\ as
 * in C, others as \xNN (bytes) or \u{NNNN}. Inert on every terminal (I8).
 */
void text_escape(struct buf *out, struct str s);
/* The same, but newlines stay and tabs stay: for blocks of text. */
void text_escape_block(struct buf *out, struct str s);
void text_hex(struct buf *out, const void *bytes, size_t len);
/* 0 to 15; -1: no hexadecimal digit, in either case of letters. */
int text_hex_digit(char c);
/* 0 or ERR_INVALID; len is the number of bytes wanted. */
int text_unhex(struct str hex, void *ret, size_t len);
/* RFC 4648 with padding: for bytes that JSON cannot hold. */
void text_base64(struct buf *out, struct str bytes);
/* 0 or ERR_INVALID; strict: padding, nothing else beside the alphabet. */
int text_unbase64(struct str text, struct buf *out);
/*
 * How alike two words are: edits (insert, delete, replace, swap) from a to b,
 * at most max + 1. For "did you mean".
 */
unsigned text_distance(struct str a, struct str b, unsigned max);
/* The nearest of names (distance at most 2), or NULL. */
const char *text_nearest(
    struct str word, const char *const *names, size_t count);
/* realtime nanoseconds as RFC 3339 UTC with milliseconds. */
void text_time(struct buf *out, int64_t realtime_ns);

#endif
