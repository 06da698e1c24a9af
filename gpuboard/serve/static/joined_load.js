/** Stand for `import()` in joined modules, so that whatever is fetched shares what runs already. */

const FOLDER = new URL("../../", import.meta.url).href; // where modules lie in files of their own

async function $load(address) {
  const { href } = new URL(address, FOLDER);
  const name = href.startsWith(FOLDER) ? href.slice(FOLDER.length) : "";
  if (!/^[\w-]+\.js$/.test(name)) return import(href);
  if (!makers.has(name)) {
    const { default: part } = await import(`${FOLDER}joined/part/${name}`);
    part({ $define, $use, $load });
  }
  return $use(name);
}
