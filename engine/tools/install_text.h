#ifndef TOOLS_INSTALL_TEXT_H
#define TOOLS_INSTALL_TEXT_H
/*
 * Files of ours in the folders of clients, as they are written.
 *
 *     buf_puts(&text, install_opencode_plugin);
 */

extern const char install_gemini_policy[];
/* Behind a line "const COMMAND = ...". */
extern const char install_opencode_plugin[];

#endif
