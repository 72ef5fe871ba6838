package ui

// ImageType is for the fuzz test of what a client's server sends.
var ImageType = imageType
