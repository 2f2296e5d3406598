#ifndef HOOKS_LINE_DIFF_H
#define HOOKS_LINE_DIFF_H
/*
 * What changed from one text to another, as a JSON array of its lines: the
 * ones that went begin with '-', those that came with '+', some around both
 * with ' '.
 *
 *     line_diff_put(&w, was, is);
 */
#include "base/jsonw.h"
#include "base/str.h"

#define LINE_DIFF_LINES_MAX 400

void line_diff_put(struct jsonw *w, struct str was, struct str is);

#endif
