// Promises, properties and names: what build/quickjs.rs changes in the engine does not show.

/** The names of what happened, in order, once nothing is left to happen. */
async function order(start) {
  const seen = [];
  start((name) => () => void seen.push(name), seen);
  await new Promise((resolve) => setTimeout(resolve, 0));
  return seen.join(" ");
}

const resolved = (value) => Promise.resolve(value);

test("reactions take their turns", async () => {
  assert.equal(
    await order((say) => {
      resolved().then(say("a1")).then(say("a2")).then(say("a3"));
      (async () => {
        say("b0")();
        await null;
        say("b1")();
        await resolved();
        say("b2")();
      })().then(say("b3"));
      new Promise((resolve) => resolve()).then(say("c1"));
    }),
    "b0 a1 b1 c1 a2 b2 a3 b3",
  );
});

test("a promise that a function returns takes three turns more", async () => {
  assert.equal(
    await order((say) => {
      (async () => resolved())().then(say("promise"));
      (async () => undefined)().then(say("value"));
      (async () => await resolved())().then(say("awaited"));
      resolved().then(say("1")).then(say("2")).then(say("3")).then(say("4"));
    }),
    "value 1 awaited 2 promise 3 4",
  );
});

test("thenables are followed in a turn of their own, once", async () => {
  const calls = [];
  const thenable = {
    then(resolve, reject) {
      calls.push("then");
      resolve(1);
      resolve(2);
      reject(new Error("too late"));
      throw new Error("too late");
    },
  };
  assert.equal(await thenable, 1);
  assert.equal(await (async () => thenable)(), 1);
  assert.equal(await resolved().then(() => thenable), 1);
  assert.equal(await resolved(thenable), 1);
  assert.deepEqual(calls, ["then", "then", "then", "then"]);
});

test("what fails on the way rejects", async () => {
  const failure = async (promise) => {
    try {
      return ["resolved", await promise];
    } catch (error) {
      return error.message ?? error;
    }
  };
  const getter = {
    get then() {
      throw new Error("getter");
    },
  };
  const throwing = {
    then() {
      throw new Error("then");
    },
  };
  assert.equal(await failure((async () => getter)()), "getter");
  assert.equal(await failure(resolved().then(() => getter)), "getter");
  assert.equal(await failure(resolved(throwing)), "then");
  assert.equal(await failure(Promise.reject("reason")), "reason");
  assert.equal(await failure(resolved().then(() => Promise.reject("later"))), "later");
  assert.deepEqual(await failure(resolved(1).then(2, 3)), ["resolved", 1]);
  let own;
  own = resolved().then(() => own);
  try {
    await own;
    assert.equal("resolved", "rejected");
  } catch (error) {
    assert.equal(error instanceof TypeError, true);
  }
});

test("subclasses, species and other constructors have their own promises", async () => {
  class Mine extends Promise {}
  const mine = Mine.resolve(1);
  assert.equal(mine instanceof Mine, true);
  assert.equal(mine.then(() => {}) instanceof Mine, true);
  assert.equal(Mine.resolve(mine), mine);
  assert.equal(resolved(mine) === mine, false);
  assert.equal(await resolved(mine), 1);
  class Plain extends Promise {
    static get [Symbol.species]() {
      return Promise;
    }
  }
  assert.equal(new Plain(() => {}).then(() => {}) instanceof Plain, false);
  const made = [];
  function Other(executor) {
    executor((value) => made.push(["resolve", value]), (reason) => made.push(["reject", reason]));
  }
  assert.equal(Promise.resolve.call(Other, 1) instanceof Other, true);
  assert.equal(Promise.reject.call(Other, 2) instanceof Other, true);
  const promise = resolved(3);
  promise.constructor = { [Symbol.species]: Other };
  promise.then((value) => value + 1);
  await null;
  await null;
  assert.deepEqual(made, [["resolve", 1], ["reject", 2], ["resolve", 4]]);
});

test("one handler stands for both ends of an await", async () => {
  const log = [];
  async function wait(promise) {
    try {
      log.push(await promise);
    } catch (error) {
      log.push("caught " + error);
    } finally {
      log.push("finally");
    }
    return "end";
  }
  let give;
  let refuse;
  const later = wait(new Promise((resolve) => (give = resolve)));
  const never = wait(new Promise((_, reject) => (refuse = reject)));
  give("given");
  refuse("refused");
  assert.deepEqual(await Promise.all([later, never, wait(resolved("at once")), wait(Promise.reject("at once"))]), [
    "end",
    "end",
    "end",
    "end",
  ]);
  assert.deepEqual(log.sort(), [
    "at once",
    "caught at once",
    "caught refused",
    "finally",
    "finally",
    "finally",
    "finally",
    "given",
  ]);
});

test("names of types", () => {
  const values = [undefined, null, true, 1, 1n, "text", Symbol("s"), {}, [], () => {}, class {}];
  const of = (value) => [
    typeof value === "undefined",
    typeof value === "object",
    typeof value === "boolean",
    typeof value === "number",
    typeof value === "bigint",
    typeof value === "string",
    typeof value === "symbol",
    typeof value === "function",
    typeof value !== "object",
    "object" === typeof value,
    typeof value === "nothing",
    typeof value == "string",
  ];
  const marks = values.map((value) => of(value).map((is) => (is ? "1" : "0")).join(""));
  assert.deepEqual(marks, [
    "100000001000", "010000000100", "001000001000", "000100001000", "000010001000", "000001001001",
    "000000101000", "010000000100", "010000000100", "000000011000", "000000011000",
  ]);
  assert.equal(typeof null === "object" ? typeof 1 === "string" || "no" : "never", "no");
});

test("properties that are added by definition", () => {
  class Fields {
    a = 1;
    [Symbol.iterator] = 2;
    0 = "index";
    a = 3;
  }
  const fields = new Fields();
  assert.deepEqual(Object.entries(fields), [["0", "index"], ["a", 3]]);
  class Sealed {
    constructor() {
      return Object.preventExtensions(this);
    }
  }
  class Below extends Sealed {
    late = 1;
  }
  let name;
  try {
    new Below();
  } catch (error) {
    name = error.name;
  }
  assert.equal(name, "TypeError");
  const list = Object.defineProperty([1], 3, { value: 4, enumerable: true, configurable: true, writable: true });
  assert.deepEqual([list.length, 2 in list, list[3]], [4, false, 4]);
  const literal = { b: 1, b: 2, get c() { return 3; }, c: 4, __proto__: { d: 5 }, ["__proto__"]: 6 };
  assert.deepEqual([literal.b, literal.c, literal.d, Object.keys(literal).join()], [2, 4, 5, "b,c,__proto__"]);
});

test("objects have room for properties when they need it", () => {
  class Empty {}
  const grown = [new Empty(), {}, [], () => {}, new Map(), Promise.resolve(), new Date(0), Object.create(null), new Proxy({}, {})];
  for (const object of grown) {
    for (let i = 0; i < 40; i++) object[`p${i}`] = i;
    for (let i = 0; i < 40; i += 2) delete object[`p${i}`];
    for (let i = 0; i < 40; i += 4) object[`p${i}`] = -i;
    const named = Object.keys(object).filter((key) => key.startsWith("p"));
    assert.equal(named.length, 30);
    assert.equal(named.reduce((sum, key) => sum + object[key], 0), 400 - 180);
  }
  const frozen = Object.freeze(new Empty());
  assert.equal(Object.isFrozen(frozen) && Reflect.set(frozen, "a", 1), false);
  const adopted = Object.setPrototypeOf(new Empty(), { get inherited() { return this.own; } });
  adopted.own = 1;
  assert.equal(adopted.inherited, 1);
});

test("keys of maps and sets are found again, whatever they are", () => {
  const objects = Array.from({ length: 3_000 }, () => ({}));
  const keys = [
    ...objects, undefined, null, true, false, NaN, Infinity, -Infinity, "", "0", Symbol("0"), 0n, 2n ** 64n, -(2n ** 70n),
    ...Array.from({ length: 3_000 }, (_, i) => i - 1_500),
    ...Array.from({ length: 3_000 }, (_, i) => i / 2 + 0.25),
    ...Array.from({ length: 3_000 }, (_, i) => `key ${i}`),
  ];
  const map = new Map(keys.map((key, place) => [key, place]));
  assert.equal(map.size, keys.length);
  assert.equal(keys.every((key, place) => map.get(key) === place), true);
  assert.equal(map.get(-0), map.get(0));
  assert.equal(map.get("key " + 7 * 3), map.get("key 21"));
  for (const key of keys.filter((_, place) => place % 2)) map.delete(key);
  assert.equal(keys.every((key, place) => map.has(key) === (place % 2 === 0)), true);
  const weak = new WeakSet(objects);
  assert.equal(objects.every((object) => weak.has(object)), true);
});

test("values are told apart without being looked into, and within where that is needed", () => {
  const object = {}, symbol = Symbol("s"), rope = "a".repeat(9_000) + "b".repeat(9_000);
  const values = [undefined, null, false, true, 0, 1, 1.5, "", "a", "b", 0n, 1n, 2n ** 70n, object, {}, symbol, Symbol("s"), rope];
  for (const [i, a] of values.entries()) for (const [j, b] of values.entries()) assert.equal(a === b, i === j);
  assert.equal(rope === "a".repeat(9_000) + "b".repeat(9_000), true);
  assert.equal([0 === -0, NaN === NaN, 1 === 1.0, 2n ** 70n === 2n ** 70n, "ab".slice(0, 1) === "a"].join(), "true,false,true,true,true");
});

// More names than are searched one by one.
const n00 = 0, n01 = 1, n02 = 2, n03 = 3, n04 = 4, n05 = 5, n06 = 6, n07 = 7, n08 = 8, n09 = 9;
let n10 = 10, n11 = 11, n12 = 12, n13 = 13, n14 = 14, n15 = 15, n16 = 16, n17 = 17, n18 = 18, n19 = 19;
var n20 = 20, n21 = 21, n22 = 22, n23 = 23, n24 = 24, n25 = 25, n26 = 26, n27 = 27, n28 = 28, n29 = 29;
function n30() {
  return 30 + n00;
}
class N31 {
  static value = n01 + 30;
}
const n32 = () => n32 === Math.max ? 0 : globalThis.Object === Object && n33;
const n33 = 33;

test("names of a module's top level are found, whatever else has their names", () => {
  assert.equal(n00 + n05 + n09 + n10 + n15 + n19 + n20 + n25 + n29, 132);
  assert.equal(n30() + N31.value + n32(), 94);
  {
    const n05 = "inner";
    assert.equal(((n10) => n05 + n10 + n09)("argument"), "innerargument9");
  }
  n11 += 100;
  (() => (n12 = n11 + 1))();
  assert.deepEqual([n11, n12, typeof n34, typeof undeclared], [111, 112, "number", "undefined"]);
  try {
    n03 = 4;
    assert.equal("assigned", "refused");
  } catch (error) {
    assert.equal(error instanceof TypeError, true);
  }
});
var n34 = 34;

test("functions tell their text, and that of the functions inside of them", () => {
  function outer(a, b = () => a) {
    const inner = async (c) => [a, b, c];
    return { inner, deep: () => function* () { yield () => outer; } };
  }
  const given = outer(1);
  assert.equal(String(given.inner), "async (c) => [a, b, c]");
  assert.equal(String(given.deep), "() => function* () { yield () => outer; }");
  assert.equal(String(given.deep()), "function* () { yield () => outer; }");
  assert.equal(String(given.deep()().next().value), "() => outer");
  assert.equal(String(outer).includes(String(given.deep)), true);
  class Both { field = () => 1; get a() { return "ü😀"; } static async b() {} ["c" + 1]() {} }
  class Bare {}
  assert.equal(String(Both), 'class Both { field = () => 1; get a() { return "ü😀"; } static async b() {} ["c" + 1]() {} }');
  assert.equal(String(Bare), "class Bare {}");
  assert.equal(String(new Both().field), "() => 1");
  assert.equal(String(Object.getOwnPropertyDescriptor(Both.prototype, "a").get), 'get a() { return "ü😀"; }');
  assert.equal(String(Both.b), "async b() {}");
  assert.equal(String(Both.prototype.c1), '["c" + 1]() {}');
  assert.equal(String({ set x(v) { this.v = v; } }.__lookupSetter__("x")), "set x(v) { this.v = v; }");
});
