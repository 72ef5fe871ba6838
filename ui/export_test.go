package ui

// ImageType is for the fuzz test of what a client's server sends.
var ImageType = imageType

// DocumentLinks are the links that a document gets.
func DocumentLinks(text string) (uris []string) {
	for _, b := range parseDocument(text) {
		for _, item := range b.Items {
			for _, r := range item {
				if r.URI != "" {
					uris = append(uris, r.URI)
				}
			}
		}
	}
	return uris
}
