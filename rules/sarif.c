/*
 * Findings as SARIF 2.1.0, for code hosts and editors.
 * Runs in: assent.  Trusts: nothing in the findings.  Owns: nothing.
 */
#include "sarif.h"

static const char *
sarif_level(enum diag_severity s)
{
	switch (s) {
	case DIAG_ERROR:
		return "error";
	case DIAG_WARNING:
		return "warning";
	case DIAG_NOTE:
		break;
	}
	return "note";
}

static void
sarif_result(struct jsonw *w, const struct diag *g)
{
	jsonw_object(w);
	jsonw_kstr(w, "ruleId", g->code);
	jsonw_kstr(w, "level", sarif_level(g->severity));
	jsonw_key(w, "message");
	jsonw_object(w);
	jsonw_kstr(w, "text", g->message);
	jsonw_end(w);
	jsonw_key(w, "locations");
	jsonw_array(w);
	jsonw_object(w);
	jsonw_key(w, "physicalLocation");
	jsonw_object(w);
	jsonw_key(w, "artifactLocation");
	jsonw_object(w);
	jsonw_kstr(w, "uri", g->file);
	jsonw_end(w);
	if (g->line > 0) {
		jsonw_key(w, "region");
		jsonw_object(w);
		jsonw_kint(w, "startLine", g->line);
		jsonw_kint(w, "startColumn", g->col == 0 ? 1 : g->col);
		jsonw_end(w);
	}
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
	jsonw_end(w);
}

int
sarif_print(const char *tool, const struct diags *d)
{
	AUTO_BUF struct buf out = BUF_INIT(CMD_OUTPUT_MAX);
	struct jsonw w = jsonw_on(&out);

	jsonw_object(&w);
	jsonw_kstr(&w, "version", "2.1.0");
	jsonw_kstr(
	    &w, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	jsonw_key(&w, "runs");
	jsonw_array(&w);
	jsonw_object(&w);
	jsonw_key(&w, "tool");
	jsonw_object(&w);
	jsonw_key(&w, "driver");
	jsonw_object(&w);
	jsonw_kstr(&w, "name", tool);
	jsonw_kstr(&w, "version", ASSENT_VERSION);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_key(&w, "results");
	jsonw_array(&w);
	for (size_t i = 0; i < diags_count(d); i++)
		sarif_result(&w, diags_at(d, i));
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	jsonw_end(&w);
	buf_putc(&out, '\n');
	return cmd_print(stdout, &out);
}
