// Package browser uses the pages as people do, in a headless Chromium: the main
// flows with the keyboard, with the mouse and without a script, and every page
// checked by axe-core for whoever sees, hears or types differently, in light and
// dark, wide and narrow. It is tests alone; nothing imports it. axe.min.js is
// axe-core 4.14.1 as published, under the licence beside it.
package browser
