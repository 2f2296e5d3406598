/*
 * mask.key: read, or made.
 * Runs in: engine, assent.  Trusts: the state folder.  Owns: the file.
 */
#include "mask_key.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/fdio.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/limits.h"

#define FILE_BYTES_MAX ((size_t)256)

static int
make_key(const char *path, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	int r;

	if (getrandom(ret, SHA256_LEN, 0) != SHA256_LEN)
		return err_sys(e, "cannot make a key");
	text_hex(&text, ret, SHA256_LEN);
	buf_putc(&text, '\n');
	r = buf_done(&text, e);
	return r != 0
	    ? r
	    : fdio_write_file(path, text.s, text.len, S_IRUSR | S_IWUSR, e);
}

static int
read_key(const char *path, uint8_t ret[static SHA256_LEN], struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_BYTES_MAX);
	const int r = fdio_read_file(path, &text, e);

	if (r != 0)
		return r;
	if (text_unhex(str_trim(buf_str(&text)), ret, SHA256_LEN) != 0)
		return err_set(e, ERR_INVALID,
		    "'%s' is damaged: take it away, a new one is made; secrets "
		    "that were masked before cannot be found then",
		    path);
	return ERR_OK;
}

int
mask_key_load(const char *state_dir, bool make, uint8_t ret[static SHA256_LEN],
    struct err *e)
{
	AUTO_BUF struct buf path = BUF_INIT(PATH_BYTES_MAX);
	struct stat st;
	int r;

	buf_printf(&path, "%s/" MASK_KEY_FILE, state_dir);
	r = buf_done(&path, e);
	if (r != 0)
		return r;
	if (lstat(buf_cstr(&path), &st) == 0) {
		if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
			return err_set(e, ERR_DENIED,
			    "'%s' can be read by others: chmod 600 it",
			    buf_cstr(&path));
		return read_key(buf_cstr(&path), ret, e);
	}
	if (errno != ENOENT)
		return err_sys(e, "cannot stat '%s'", buf_cstr(&path));
	if (!make)
		return err_set(
		    e, ERR_NOTFOUND, "there is no '%s'", buf_cstr(&path));
	return make_key(buf_cstr(&path), ret, e);
}
