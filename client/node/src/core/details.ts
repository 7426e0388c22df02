/** The details of an error, as `google.rpc` defines them. */

import { create, createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  file_google_protobuf_duration,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

const DURATION = file_google_protobuf_duration;
const text = (name: string, number: number): object => ({ name, number, type: Type.STRING, label: Label.OPTIONAL });

const file = create(FileDescriptorProtoSchema, {
  name: "google/rpc/error_details.proto",
  package: "google.rpc",
  syntax: "proto3",
  dependency: [DURATION.proto.name],
  messageType: [
    { name: "ErrorInfo", field: [text("reason", 1), text("domain", 2)] },
    {
      name: "RetryInfo",
      field: [
        {
          name: "retry_delay",
          number: 1,
          type: Type.MESSAGE,
          label: Label.OPTIONAL,
          typeName: ".google.protobuf.Duration",
        },
      ],
    },
  ],
});
const registry = createFileRegistry(file, (name) => (name === DURATION.proto.name ? DURATION.proto : undefined));

/** The reason of a refusal. */
export const ErrorInfo = message("google.rpc.ErrorInfo");
/** When a retry may help. */
export const RetryInfo = message("google.rpc.RetryInfo");

function message(name: string): DescMessage {
  const found = registry.getMessage(name);
  if (found === undefined) throw new Error(`${name} is not defined`);
  return found;
}
