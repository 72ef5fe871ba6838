// Command texts tells a translator what is missing or wrong in language files, and exits with status 1 if anything is.
//
//	texts          the languages that come with the pages
//	texts locales  the language files in the directory locales, which is to be signet.Config.Catalog
package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/gosignet/signet/ui"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, out, log io.Writer) int {
	var files fs.FS
	switch len(args) {
	case 0:
	case 1:
		if info, err := os.Stat(args[0]); err != nil || !info.IsDir() {
			fmt.Fprintf(log, "texts: %s is not a directory that can be read\n", args[0])
			return 2
		}
		files = os.DirFS(args[0])
	default:
		fmt.Fprintln(log, "usage: texts [directory]")
		return 2
	}
	found, err := ui.CheckCatalog(files)
	if err != nil {
		fmt.Fprintln(log, err)
		return 1
	}
	for _, sentence := range found {
		fmt.Fprintln(out, sentence)
	}
	if len(found) > 0 {
		return 1
	}
	fmt.Fprintln(out, "No text is missing or wrong.")
	return 0
}
