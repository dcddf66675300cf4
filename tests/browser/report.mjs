// Opens reports in a browser as a reader would: filters, links, widths, dark, print, and a screen reader's view.
//   report.mjs CHROMIUM OUT LARGE FAILING HOSTILE     report files; pictures go to OUT
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import path from "node:path";
import fs from "node:fs";

const [chromium, out, large, failing, hostile] = process.argv.slice(2);
const require = createRequire(path.resolve(process.env.TOOLS, "package.json"));
const playwright = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const version = (name) => require(name + "/package.json").version;

const browser = await playwright.chromium.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
console.log(`browser: chromium ${browser.version()}, playwright-core ${version("playwright-core")}, axe-core ${version("axe-core")}`);

// A page of its own, which may load the report and nothing else, and may complain of nothing.
async function opened(file, options = {}, hash = "") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  const url = pathToFileURL(path.resolve(file)).href;
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => { complaints.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (request.url().split("#")[0] !== url) complaints.push(request.url()); });
  await page.goto(url + hash);
  return { page, close: async () => { assert.deepEqual(complaints, []); await context.close(); } };
}
const rows = (page) => page.locator("#rows tr").count();
const counted = async (page) => Number((await page.locator("#count").textContent()).split(" ")[0]);
// What a screen reader would stumble over, by the rules of WCAG 2 at levels A and AA.
async function isReadable(page, what) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
  const said = violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.length} × ${one.nodes[0].html.slice(0, 200)}`);
  assert.deepEqual(said, [], what);
}

// Filters, links and the way back, among some ten thousand cases.
{
  const { page, close } = await opened(large);
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  const all = await counted(page);
  console.log(`browser: ${all} played cases, ${(fs.statSync(large).size / 1e6).toFixed(1)} MB, first paint after ${paint.toFixed(0)} ms`);
  assert.ok(all > 10_000, `${all} played cases`);
  assert.equal(await rows(page), 200);
  await page.click("#more");
  assert.equal(await rows(page), 1200);
  await page.selectOption("#by-model", "nuki-smart-lock");
  const own = await counted(page);
  assert.ok(own > 0 && own < all / 10, `${own} of ${all} cases are of one model`);
  await page.selectOption("#by-verdict", "fail");
  assert.equal(await counted(page), 0);
  await page.selectOption("#by-verdict", "all");
  await page.fill("#by-text", "debug-port");
  assert.ok(await counted(page) > 0, "text is searched");
  await page.locator("#rows a").first().click();
  await page.locator("#detail svg.timeline").first().waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "detail", "a reader is taken to the details");
  const deep = new URL(page.url()).hash;
  await page.goBack();
  await page.locator("#detail").waitFor({ state: "hidden" });
  await close();
  const linked = await opened(large, {}, deep);
  await linked.page.locator("#detail svg.timeline").first().waitFor();
  await linked.close();
  const unknown = await opened(large, {}, "#case=nobody~knows~this~r1");
  await unknown.page.getByText("There is no case nobody~knows~this~r1").waitFor();
  await unknown.close();
}
// Without scripts what failed is still there, drawn.
{
  const { page, close } = await opened(failing, { javaScriptEnabled: false });
  assert.ok(await page.locator("svg.timeline").count() > 0);
  await close();
}
// Widths and looks; a page never scrolls sideways, its tables do.
for (const width of [360, 800, 1400]) {
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await opened(failing, { viewport: { width, height: 900 }, colorScheme });
    const link = page.locator("#rows a").first();
    await link.click();
    await page.locator("#detail svg.timeline").first().waitFor();
    const overhang = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    assert.ok(overhang <= 0, `at ${width} px the page is ${overhang} px too wide`);
    await isReadable(page, `${width} px, ${colorScheme}`);
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(ground === "rgb(255, 255, 255)", colorScheme === "light", ground);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({ path: `${out}/${width}-${colorScheme}.png` });
    await page.locator("#detail").screenshot({ path: `${out}/${width}-${colorScheme}-case.png` });
    await close();
  }
}
// On paper there are no controls.
{
  const { page, close } = await opened(failing);
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("#browse").isVisible(), false);
  await page.pdf({ path: `${out}/report.pdf`, format: "A4" });
  await close();
}
// What a lock says is shown, and does nothing.
{
  const { page, close } = await opened(hostile, {}, "#verdict=played");
  await page.locator("#rows a").first().click();
  await page.locator("#detail svg.timeline").first().waitFor();
  assert.equal(await page.locator("img, #detail script, [onerror], [onclick]").count(), 0);
  assert.ok((await page.locator("#detail").textContent()).includes("<script>alert(1)</script>"));
  await close();
}
await browser.close();
