/**
 * First step of every script: say which Node is needed, in words, where none came along.
 *
 * The workshop brings Node 24 for Linux (x64, arm64) and Windows (x64) as optional packages, and
 * npm puts it first on PATH. Elsewhere the machine's own Node runs this file, whatever its age.
 */
"use strict";

const needed = [24, 15, 0];
const here = process.versions.node.split(".").map(Number);

function older(a, b) {
  for (let i = 0; i < 3; i++) if (a[i] !== b[i]) return a[i] < b[i];
  return false;
}

if (older(here, needed)) {
  process.stderr.write(
    "Countersign needs Node " +
      needed.join(".") +
      " or newer; this is " +
      process.versions.node +
      " on " +
      process.platform +
      "-" +
      process.arch +
      ".\nOn Linux (x64, arm64) and Windows (x64) `npm ci` brings it along: run `npm ci` first.\n" +
      "Elsewhere install Node 24 (https://nodejs.org) and run the command again.\n",
  );
  process.exitCode = 2;
}
