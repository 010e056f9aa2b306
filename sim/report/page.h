/* A self-contained HTML page: chapters, tables, figures, a table of contents.
 *
 * Nothing on it comes from elsewhere: the style sheet and the pictures stand inside, and there is
 * no script. Texts are escaped here, so what a trace or a file is called can't become markup.
 */
#ifndef TIDE_REPORT_PAGE_H
#define TIDE_REPORT_PAGE_H

#include "base/error.h"
#include "report/text.h"

struct tide_page {
    struct tide_text body, contents;
    unsigned chapters, sections, figures;
    bool in_row; /* a table's row is open */
};

void tide_page_fini(struct tide_page *p);

/* Appends a text with &, <, >, " and ' as entities; control bytes but tab and line feed, and what
 * is not UTF-8, become U+FFFD. */
void tide_page_escape(struct tide_text *t, const char *s);

/* A heading, which the table of contents lists; a section is a part of a chapter. */
void tide_page_chapter(struct tide_page *p, const char *title);
void tide_page_section(struct tide_page *p, const char *title);
/* Texts, printf style, escaped. */
void tide_page_paragraph(struct tide_page *p, const char *style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void tide_page_preformatted(struct tide_page *p, const char *text);

/* Markup of our own. */
void tide_page_raw(struct tide_page *p, const char *html);

/* Tables: rows begin by themselves; a cell's style is a class of the style sheet ("" for a number,
 * "t" for a text, "h" for a heading, "g0".."g6" for a shade), or several. */
void tide_page_table(struct tide_page *p);
void tide_page_row(struct tide_page *p);
void tide_page_cell(struct tide_page *p, const char *style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void tide_page_table_end(struct tide_page *p);

/* A picture as gnuplot makes it, with a caption (escaped): what it shows, in bold, how to read it,
 * and what was left out ("" for nothing). A wide one has no other beside it. Figures stand between
 * tide_page_figures() and tide_page_figures_end(). */
void tide_page_figures(struct tide_page *p);
void tide_page_figure(struct tide_page *p, const char *svg, bool wide, const char *what,
                      const char *how, const char *left_out);
void tide_page_figures_end(struct tide_page *p);

/* The whole document. */
TIDE_MUST_CHECK int tide_page_finish(const struct tide_page *p, const char *title,
                                     const char *subtitle, struct tide_text *out,
                                     struct tide_error *e);

#endif
