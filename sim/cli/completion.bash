# Completion of pagetide for bash. Commands, options and names come from the program itself, so
# there is no second list to keep.

_pagetide_words()
{
    local command=$1 previous=$2

    case $previous in
    -p | --policy | --policies)
        pagetide list policies | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p'
        ;;
    --tlb)
        echo none
        pagetide list presets | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p'
        ;;
    --format)
        pagetide list formats | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p'
        ;;
    --to)
        pagetide list outputs | sed -n 's/^\([a-z][a-z0-9-]*\) .*/\1/p'
        ;;
    --engine)
        echo fast plain
        ;;
    list)
        pagetide help list | sed -n 's/^  \([a-z]*\)   *[a-zA-Z].*/\1/p'
        ;;
    trace)
        pagetide help | sed -n 's/^  trace \([a-z]*\) .*/\1/p'
        ;;
    pagetide | help)
        pagetide help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | sort -u
        ;;
    *)
        pagetide help $command | grep -o -- ' --[a-z-]*'
        ;;
    esac
}

_pagetide()
{
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local command=${COMP_WORDS[1]}

    [ "$command" = trace ] && [ "$COMP_CWORD" -gt 2 ] && command="trace ${COMP_WORDS[2]}"
    [ "$COMP_CWORD" -eq 1 ] && previous=pagetide
    mapfile -t COMPREPLY < <(compgen -W "$(_pagetide_words "$command" "$previous" 2>/dev/null)" \
        -- "$word")
}

# files where no word of ours fits
complete -o default -F _pagetide pagetide
