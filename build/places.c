/* Where calls are, for stacks, as V8 says it. build/words.rs says where it is asked for. */

/* Whether a word, which ends before `end`, is a name to V8's parser, and no other keyword. */
static bool is_callable_word(const uint8_t *begin, const uint8_t *end)
{
    static const char keywords[] = " break case catch class const continue debugger default delete do else enum export extends false "
        "finally for function if import in instanceof new null return switch this throw true try typeof var void while with ";
    const uint8_t *word = end;
    char between[16];

    while (word > begin && (lre_js_is_ident_next(word[-1]) || word[-1] >= 0x80))
        word--;
    if (word == end || (word > begin && word[-1] == '#') || (*word >= '0' && *word <= '9'))
        return false;
    if (end - word > 12)
        return true;
    snprintf(between, sizeof(between), " %.*s ", (int)(end - word), (const char *)word);
    return !strstr(keywords, between);
}

/* Where V8 sees a call, when `s` is at what opens its arguments: at the name before it, or there. Punctuation has no place of its own. */
static void find_call(JSParseState *s, int *line, int *column)
{
    bool is_opened_here = s->token.ptr > s->eol
        && (s->token.val == TOK_TEMPLATE || !is_callable_word(s->buf_start, s->last_ptr));

    *line = is_opened_here ? s->line_num : s->last_line_num;
    *column = is_opened_here ? s->token.ptr - s->eol : s->last_col_num;
}
