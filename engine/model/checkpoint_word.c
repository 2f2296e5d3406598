/*
 * Checkpoints as words: base64 with the alphabet for addresses and without
 * padding, which nobody has to escape.
 * Runs in: engine, assent.  Trusts: nothing in text.  Owns: nothing.
 */
#include "checkpoint_word.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

#define WORD_BYTES_MAX ((size_t)8192)
#define BASE64_BLOCK 4

static void
swap(struct buf *b, const char from[static 2], const char to[static 2])
{
	for (size_t i = 0; i < b->len; i++) {
		for (size_t k = 0; k < 2; k++) {
			if (b->s[i] == from[k]) {
				b->s[i] = to[k];
				break;
			}
		}
	}
}

void
checkpoint_word_put(struct buf *out, struct str note)
{
	AUTO_BUF struct buf word = BUF_INIT(WORD_BYTES_MAX);

	text_base64(&word, note);
	swap(&word, "+/", "-_");
	while (word.len > 0 && word.s[word.len - 1] == '=')
		word.len--;
	if (word.failed != 0)
		out->failed = word.failed;
	buf_puts(out, CHECKPOINT_WORD);
	buf_put_str(out, buf_str(&word));
}

static size_t
word_len(struct str s)
{
	size_t n = 0;

	while (n < s.len &&
	    (isalnum((unsigned char)s.s[n]) || s.s[n] == '-' || s.s[n] == '_'))
		n++;
	return n;
}

bool
checkpoint_word_next(struct str *text, struct buf *ret)
{
	AUTO_BUF struct buf word = BUF_INIT(WORD_BYTES_MAX);
	const size_t at = str_search(*text, STR(CHECKPOINT_WORD));
	size_t len;

	buf_reset(ret);
	if (at == text->len)
		return false;
	*text = str_from(*text, at + sizeof(CHECKPOINT_WORD) - 1);
	len = word_len(*text);
	buf_put_str(&word, str_head(*text, len));
	*text = str_from(*text, len);
	swap(&word, "-_", "+/");
	while (word.len % BASE64_BLOCK != 0)
		buf_putc(&word, '=');
	if (word.failed != 0 || text_unbase64(buf_str(&word), ret) != 0)
		buf_reset(ret);
	return true;
}
