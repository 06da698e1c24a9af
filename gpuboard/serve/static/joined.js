/**
 * Run modules that were put into one script (serve/bundle.py): each of them once, when it is first
 * used, as the browser does with modules in files of their own.
 */

const makers = new Map(); // by name: what runs a module and returns what it exports
const made = new Map();

function $define(name, make) {
  if (!makers.has(name)) makers.set(name, make);
}

function $use(name) {
  if (!made.has(name)) made.set(name, makers.get(name)());
  return made.get(name);
}
