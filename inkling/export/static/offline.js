// Service worker: stores the page's files of one version and serves them, also without a connection.
const VERSION = "VERSION_OF_FILES";
const FILES = {/* files */}; // path: integrity, digests as in the HTML attribute of that name
const OURS = `inkling ${registration.scope} `; // an origin may have other pages, and another Inkling
const NAME = OURS + VERSION;

// "reload" bypasses the browser's HTTP cache. A file of another version ends the installation, which the
// browser tries again at the next visit; until then the worker before this one stays.
async function store() {
  const cache = await caches.open(NAME);
  const fresh = ([file, integrity]) => new Request(file, { cache: "reload", integrity });
  await cache.addAll(Object.entries(FILES).map(fresh));
  const page = await cache.match("./"); // without integrity: some hosts add a script to HTML files
  if (!(await page.clone().text()).includes(VERSION)) throw new Error("index.html is of another version");
  await cache.put("index.html", page);
}
async function removeOld() {
  const old = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== NAME);
  await Promise.all(old.map((name) => caches.delete(name)));
  await clients.claim();
}
async function answer(request) {
  const cache = await caches.open(NAME);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

addEventListener("install", (event) => event.waitUntil(store()));
addEventListener("message", () => skipWaiting()); // a page has all files of its version
addEventListener("activate", (event) => event.waitUntil(removeOld()));
addEventListener("fetch", (event) => event.request.method === "GET" && event.respondWith(answer(event.request)));
