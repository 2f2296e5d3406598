#ifndef BASE_YAML_INT_H
#define BASE_YAML_INT_H
/* Shared by yaml.c (parsing), yaml_words.c, and yaml_read.c (the tree). */
#include "yaml.h"

struct yaml_source {
	const char *file;
	char **lines; /* each ended by NUL where its newline was */
	size_t count;
};

/* The text of a 1-based line, or NULL. */
const char *yaml_source_line(const struct yaml_source *source, unsigned line);

struct yaml_wording {
	const char *theirs, *ours, *hint;
};

/* Our words for libyaml's, or NULL. */
const struct yaml_wording *yaml_wording_of(const char *theirs);

#endif
