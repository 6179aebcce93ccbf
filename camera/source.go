package camera

import (
	"net/url"
	"strconv"
	"strings"
)

// Local says that a source is a camera of this host: a path below /dev, or its number.
func Local(source string) bool {
	_, err := strconv.Atoi(source)
	return err == nil || strings.HasPrefix(source, "/dev/")
}

// Shown is a source as it may be shown in a log, an error or a report: a URL without password, without what stands behind
// its ?, which may be a token, and without a user's name, which may be one too. Anything else is shown as it is.
func Shown(source string) string {
	scheme, rest, ok := strings.Cut(source, "://")
	if !ok {
		return source
	}
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		if i := strings.LastIndexByte(rest, '@'); i >= 0 { // no URL, but something that is meant as one
			rest = "..." + rest[i:]
		}
		rest, _, _ = strings.Cut(rest, "?")
		return scheme + "://" + rest
	}
	hidden := ""
	if u.User != nil {
		hidden = "...@"
	}
	return u.Scheme + "://" + hidden + u.Host + u.EscapedPath()
}
