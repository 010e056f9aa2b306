/* The page: see page.h. */
#include "report/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* 1280 px: contents at the left, two figures beside each other at the right. On paper the contents
 * go to the front, and figures, rows and headings stay in one piece. */
static const char style_sheet[] =
    ":root{--ink:#1d2329;--soft:#5b6670;--line:#d8dde2;--faint:#f4f6f8;--link:#0b5c99}\n"
    "*{box-sizing:border-box}\n"
    "html{font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,"
    "sans-serif;color:var(--ink);background:#fff}\n"
    "body{margin:0 auto;max-width:1280px;padding:0 28px;display:grid;"
    "grid-template-columns:190px minmax(0,1fr);column-gap:36px}\n"
    "header{grid-column:1/-1;padding:26px 0 16px;border-bottom:1px solid var(--line)}\n"
    "h1{font-size:27px;line-height:1.2;margin:0;font-weight:650}\n"
    "header p{margin:5px 0 0;color:var(--soft)}\n"
    "nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto;"
    "padding:22px 0;font-size:13px;line-height:1.35}\n"
    "nav b{display:block;margin-bottom:6px}\n"
    "nav a{display:block;padding:2px 0;color:var(--link);text-decoration:none;"
    "overflow-wrap:anywhere}\n"
    "nav a:hover{text-decoration:underline}\n"
    "nav a.s{padding-left:12px;color:var(--soft)}\n"
    "main{padding-bottom:60px}\n"
    "h2{font-size:21px;line-height:1.25;margin:38px 0 10px;padding-top:4px;font-weight:650;"
    "overflow-wrap:anywhere}\n"
    "h3{font-size:16px;margin:26px 0 6px;font-weight:650}\n"
    "p{margin:0 0 10px;max-width:76ch}\n"
    "p.note{padding:8px 12px;border-left:3px solid #d55e00;background:#fdf3ec}\n"
    ".figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:18px 24px;"
    "margin:12px 0}\n"
    "figure{margin:0;min-width:0}figure.wide{grid-column:1/-1}\n"
    "figure svg{display:block;width:100%;height:auto}\n"
    "figure svg text,figure svg tspan{font-family:inherit}\n"
    "figcaption{font-size:13px;line-height:1.42;color:var(--soft);margin-top:4px}\n"
    "figcaption b{color:var(--ink)}\n"
    "figcaption i{display:block}\n"
    ".table{overflow-x:auto;margin:8px 0 14px}\n"
    "table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}\n"
    "td,th{padding:3px 10px;text-align:right;border-bottom:1px solid var(--line);"
    "white-space:nowrap}\n"
    "th{font-weight:600;background:var(--faint)}\n"
    "td.t,th.t{text-align:left}\n"
    "td.w{white-space:normal;overflow-wrap:anywhere}\n"
    ".g0{background:#fff}.g1{background:#eef4fa}.g2{background:#d6e6f4}.g3{background:#b5d2ea}"
    ".g4{background:#86b6da}.g5{background:#4d94c4;color:#fff}.g6{background:#1f6299;color:#fff}\n"
    "pre{font:12.5px/1.45 ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;"
    "background:var(--faint);padding:12px 14px;margin:8px 0 14px;white-space:pre-wrap;"
    "overflow-wrap:anywhere}\n"
    "details{margin:10px 0}\n"
    "summary{cursor:pointer;color:var(--link);font-size:14px}\n"
    "@media (max-width:900px){body{display:block}nav{position:static;max-height:none}"
    ".figures{grid-template-columns:1fr}}\n"
    "@media print{@page{size:A4;margin:14mm 13mm}html{font-size:10pt}"
    "body{display:block;max-width:none;padding:0}h1{font-size:19pt}h2{font-size:14pt}"
    "nav{position:static;max-height:none;overflow:visible;columns:3;font-size:9pt;padding:10px 0;"
    "border-bottom:1px solid var(--line)}nav b{column-span:all}nav a{color:var(--ink)}"
    "h2,h3,summary{break-after:avoid}figure,tr{break-inside:avoid}h2.c{break-before:page}"
    "p,figcaption{orphans:3;widows:3}.table{overflow:visible}table{font-size:8pt}"
    "td,th{padding:2px 6px}figcaption{font-size:8.5pt}pre{font-size:8pt}"
    "details:not([open]){display:none}"
    "td,th,p.note,pre{-webkit-print-color-adjust:exact;print-color-adjust:exact}}\n";

void tide_page_fini(struct tide_page *p)
{
    tide_text_fini(&p->body);
    tide_text_fini(&p->contents);
}

void tide_page_escape(struct tide_text *t, const char *s)
{
    while (*s != '\0') {
        size_t n = tide_text_utf8(s);

        if (n == 0 || ((unsigned char)*s < 0x20 && *s != '\n' && *s != '\t') || *s == 0x7f)
            tide_text_printf(t, "\xef\xbf\xbd"); /* U+FFFD */
        else if (*s == '&')
            tide_text_printf(t, "&amp;");
        else if (*s == '<')
            tide_text_printf(t, "&lt;");
        else if (*s == '>')
            tide_text_printf(t, "&gt;");
        else if (*s == '"')
            tide_text_printf(t, "&quot;");
        else if (*s == '\'')
            tide_text_printf(t, "&#39;");
        else
            tide_text_add(t, s, n);
        s += n > 0 ? n : 1;
    }
}

/* printf and escape. */
static void add(struct tide_text *t, const char *fmt, va_list ap)
{
    char short_text[512], *text = short_text;
    va_list again;
    int n;

    va_copy(again, ap);
    n = vsnprintf(short_text, sizeof short_text, fmt, ap);
    if (n >= (int)sizeof short_text) {
        text = tide_malloc((size_t)n + 1);
        if (text == NULL)
            t->failed = true;
        else
            vsnprintf(text, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    if (text != NULL)
        tide_page_escape(t, text);
    if (text != short_text)
        free(text);
}

void tide_page_chapter(struct tide_page *p, const char *title)
{
    p->chapters++;
    p->sections = 0;
    tide_text_printf(&p->contents, "<a href=\"#c%u\">", p->chapters);
    tide_page_escape(&p->contents, title);
    tide_text_printf(&p->contents, "</a>\n");
    tide_text_printf(&p->body, "<h2%s id=\"c%u\">", p->chapters > 1 ? " class=\"c\"" : "",
                     p->chapters);
    tide_page_escape(&p->body, title);
    tide_text_printf(&p->body, "</h2>\n");
}

void tide_page_section(struct tide_page *p, const char *title)
{
    p->sections++;
    tide_text_printf(&p->body, "<h3 id=\"c%u-%u\">", p->chapters, p->sections);
    tide_page_escape(&p->body, title);
    tide_text_printf(&p->body, "</h3>\n");
}

void tide_page_paragraph(struct tide_page *p, const char *style, const char *fmt, ...)
{
    va_list ap;

    if (style[0] != '\0')
        tide_text_printf(&p->body, "<p class=\"%s\">", style);
    else
        tide_text_printf(&p->body, "<p>");
    va_start(ap, fmt);
    add(&p->body, fmt, ap);
    va_end(ap);
    tide_text_printf(&p->body, "</p>\n");
}

void tide_page_preformatted(struct tide_page *p, const char *text)
{
    tide_text_printf(&p->body, "<pre>");
    tide_page_escape(&p->body, text);
    tide_text_printf(&p->body, "</pre>\n");
}

void tide_page_raw(struct tide_page *p, const char *html)
{
    tide_text_add(&p->body, html, strlen(html));
}

void tide_page_table(struct tide_page *p)
{
    tide_text_printf(&p->body, "<div class=\"table\"><table>\n");
    p->in_row = false;
}

void tide_page_row(struct tide_page *p)
{
    tide_text_printf(&p->body, "%s<tr>", p->in_row ? "</tr>\n" : "");
    p->in_row = true;
}

void tide_page_cell(struct tide_page *p, const char *style, const char *fmt, ...)
{
    const char *tag = strchr(style, 'h') != NULL ? "th" : "td";
    va_list ap;

    tide_text_printf(&p->body, style[0] != '\0' ? "<%s class=\"%s\">" : "<%s>", tag, style);
    va_start(ap, fmt);
    add(&p->body, fmt, ap);
    va_end(ap);
    tide_text_printf(&p->body, "</%s>", tag);
}

void tide_page_table_end(struct tide_page *p)
{
    tide_text_printf(&p->body, "%s</table></div>\n", p->in_row ? "</tr>\n" : "");
    p->in_row = false;
}

/* The names inside gnuplot's pictures (id="gpPt1", href="#gpPt1") are the same in each; on one page
 * every picture needs its own. The XML declaration in front of the picture is left out. */
static void add_svg(struct tide_text *t, const char *svg, unsigned figure)
{
    static const char *const marks[] = {" id='", " id=\"", "href='#", "href=\"#", "url(#"};
    const char *start = strstr(svg, "<svg"), *from = start != NULL ? start : svg;

    for (const char *at = from; *at != '\0'; at++) {
        for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
            size_t n = strlen(marks[i]);

            if (strncmp(at, marks[i], n) == 0) {
                tide_text_add(t, from, (size_t)(at - from) + n);
                tide_text_printf(t, "f%u-", figure);
                from = at + n;
            }
        }
    }
    tide_text_add(t, from, strlen(from));
}

void tide_page_figures(struct tide_page *p)
{
    tide_text_printf(&p->body, "<div class=\"figures\">\n");
}

void tide_page_figures_end(struct tide_page *p)
{
    tide_text_printf(&p->body, "</div>\n");
}

void tide_page_figure(struct tide_page *p, const char *svg, bool wide, const char *what,
                      const char *how, const char *left_out)
{
    struct tide_text *t = &p->body;

    p->figures++;
    tide_text_printf(t, "<figure%s id=\"f%u\">", wide ? " class=\"wide\"" : "", p->figures);
    add_svg(t, svg, p->figures);
    tide_text_printf(t, "<figcaption><b>Figure %u. ", p->figures);
    tide_page_escape(t, what);
    tide_text_printf(t, "</b> ");
    tide_page_escape(t, how);
    if (left_out[0] != '\0') {
        tide_text_printf(t, "<i>");
        tide_page_escape(t, left_out);
        tide_text_printf(t, "</i>");
    }
    tide_text_printf(t, "</figcaption></figure>\n");
}

int tide_page_finish(const struct tide_page *p, const char *title, const char *subtitle,
                     struct tide_text *out, struct tide_error *e)
{
    tide_text_printf(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                          "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    tide_page_escape(out, title);
    tide_text_printf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header><h1>",
                     style_sheet);
    tide_page_escape(out, title);
    tide_text_printf(out, "</h1><p>");
    tide_page_escape(out, subtitle);
    tide_text_printf(out, "</p></header>\n<nav><b>Contents</b>\n");
    tide_text_add(out, p->contents.bytes != NULL ? p->contents.bytes : "", p->contents.n);
    tide_text_printf(out, "</nav>\n<main>\n");
    tide_text_add(out, p->body.bytes != NULL ? p->body.bytes : "", p->body.n);
    tide_text_printf(out, "</main>\n</body>\n</html>\n");
    return out->failed || p->body.failed || p->contents.failed ? tide_nomem(e) : 0;
}
