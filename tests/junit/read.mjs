// The figures of a JUnit file as two readers from npm find them, in the form in which check.py expects them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "junit2json";

const file = process.argv[2];
const folder = mkdtempSync(join(tmpdir(), "ctrf-"));
const ctrf = join(folder, "report.json");
execFileSync("node", ["node_modules/junit-to-ctrf/dist/cli.js", file, "-o", ctrf], { stdio: "ignore" });
const { summary, tests } = JSON.parse(readFileSync(ctrf, "utf8")).results;
rmSync(folder, { recursive: true });
const report = await parse(readFileSync(file, "utf8"));

let other = 0;
for (const suite of report.testsuite) {
  const count = (kind) => suite.testcase.filter((test) => test[kind] !== undefined).length;
  const figures = { failures: count("failure"), errors: count("error"), skipped: count("skipped") };
  for (const [name, found] of Object.entries(figures)) {
    if (suite[name] !== found) throw new Error(`${suite.name}: ${name} ${suite[name]}, but ${found} tests`);
  }
  const own = tests.filter((test) => test.suite.includes(suite.name));
  if (own.length !== suite.tests) throw new Error(`${suite.name}: ${own.length} tests in CTRF`);
  if (suite.name.startsWith("run ")) {
    other += suite.tests;
    continue;
  }
  const passed = own.filter((test) => test.status === "passed").length;
  const seconds = Math.floor(own.reduce((sum, test) => sum + test.duration, 0) / 1000);
  const model = suite.testcase[0].classname.split(".")[1];
  console.log(model, suite.tests, suite.failures, suite.errors, suite.skipped, passed, seconds);
}
console.log("not passed", summary.failed);
