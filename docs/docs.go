// Package docs is the documentation as files of the binary, so that a server shows
// what belongs to its own version. It promises that whatever a document links to
// below this folder is in it. The pages read it; nothing is kept, so a crash leaves
// nothing.
package docs

import "embed"

// Files are the documents, their pictures, and the files that they hand out.
//
//go:embed *.md */*.md tutorial/*.webp operate/grafana.json operate/provisor.service
var Files embed.FS
