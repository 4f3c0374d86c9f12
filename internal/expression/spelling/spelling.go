// Package spelling finds the word that somebody probably meant. It is called
// where the configuration names something that is not there.
package spelling

import "strings"

// longestWordBytes bounds the work of one comparison; longer words are not typed by hand.
const longestWordBytes = 64

// Nearest returns the candidate that differs least from the word, "" when none
// is near: at most one edit for every three letters, one at least. Of equally
// near candidates the first in the alphabet wins.
func Nearest(word string, candidates []string) string {
	if len(word) > longestWordBytes {
		return ""
	}
	allowed := max(1, len(word)/3)
	best, distance := "", allowed+1
	for _, c := range candidates {
		if len(c) > longestWordBytes || abs(len(c)-len(word)) > allowed {
			continue
		}
		d := edits(strings.ToLower(word), strings.ToLower(c))
		if d < distance || d == distance && d <= allowed && c < best {
			best, distance = c, d
		}
	}
	return best
}

// Suggest makes a sentence of Nearest: "did you mean x?", "" when nothing is near.
func Suggest(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

func abs(n int) int { return max(n, -n) }

// edits counts insertions, deletions, substitutions and swaps of neighbours.
func edits(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(row[j-1]+1, last[j]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
