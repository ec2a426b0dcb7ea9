// Compiles Anchor.sol with the pinned settings: node compile.mjs FOLDER_OF_NODE_MODULES. Prints Anchor.json.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const solc = createRequire(join(process.argv[2], "package.json"))("solc");
const input = {
  language: "Solidity",
  sources: { "Anchor.sol": { content: readFileSync(join(here, "Anchor.sol"), "utf8") } },
  settings: JSON.parse(readFileSync(join(here, "settings.json"), "utf8")),
};
const output = JSON.parse(solc.compile(JSON.stringify(input)));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
if (errors.length) {
  console.error(errors.map((error) => error.formattedMessage).join("\n"));
  process.exit(1);
}
const contract = output.contracts["Anchor.sol"].Anchor;
console.log(
  JSON.stringify(
    {
      compiler: solc.version().split("+")[0],
      abi: contract.abi,
      bytecode: "0x" + contract.evm.bytecode.object,
      deployedBytecode: "0x" + contract.evm.deployedBytecode.object,
    },
    null,
    2,
  ),
);
