/** The driver of the conformance suite for the Node.js client. */

import { Console } from "node:console";
import { Driver } from "./driver.js";
import { framed, requests } from "./frames.js";

// What prints by mistake must not mix with the messages.
globalThis.console = new Console(process.stderr, process.stderr);

const driver = new Driver();
for await (const request of requests(process.stdin)) {
  void driver.answer(request).then((response) => process.stdout.write(framed(response)));
}
// At the end of the input, without closing clients first.
process.exit(0);
