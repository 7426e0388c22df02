/** Messages between the runner and the driver: each is preceded by its length in four bytes, big-endian. */

import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type DriverRequest, DriverRequestSchema, type DriverResponse, DriverResponseSchema } from "./driver_pb.js";

const HEAD_BYTES = 4;
const MESSAGE_MAX = 4 * 1_024 * 1_024;

/** Reads requests until the end of the input. */
export async function* requests(input: AsyncIterable<Buffer>): AsyncGenerator<DriverRequest> {
  let unread = Buffer.alloc(0);
  for await (const chunk of input) {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= HEAD_BYTES) {
      const size = unread.readUInt32BE();
      if (size > MESSAGE_MAX) throw new Error(`a message of ${String(size)} bytes`);
      if (unread.length < HEAD_BYTES + size) break;
      yield fromBinary(DriverRequestSchema, unread.subarray(HEAD_BYTES, HEAD_BYTES + size));
      unread = unread.subarray(HEAD_BYTES + size);
    }
  }
}

/** Returns a response with its length. */
export function framed(response: DriverResponse): Uint8Array {
  const message = toBinary(DriverResponseSchema, response);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(message.length);
  return Buffer.concat([head, message]);
}
