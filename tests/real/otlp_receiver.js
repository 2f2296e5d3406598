// A collector that takes nothing on trust: requests are decoded by the message
// classes of OpenTelemetry's own package, and JSON is held to the rules of the
// OTLP mapping that those classes do not check themselves.
//
//     node otlp_receiver.js OUT      says "port N", then writes to OUT a line
//                                    of JSON for each record, span and metric,
//                                    and {"violation": ...} for what is wrong
"use strict";
const fs = require("fs");
const http = require("http");
const zlib = require("zlib");
const root = require(
	"@opentelemetry/otlp-transformer/build/src/generated/root");

const collector = root.opentelemetry.proto.collector;
const signals = {
	"/v1/logs": ["log", collector.logs.v1.ExportLogsServiceRequest,
		(r) => r.resourceLogs, (r) => r.scopeLogs, (s) => s.logRecords],
	"/v1/traces": ["span", collector.trace.v1.ExportTraceServiceRequest,
		(r) => r.resourceSpans, (r) => r.scopeSpans, (s) => s.spans],
	"/v1/metrics": ["metric",
		collector.metrics.v1.ExportMetricsServiceRequest,
		(r) => r.resourceMetrics, (r) => r.scopeMetrics,
		(s) => s.metrics],
};
const out = process.argv[2];
// Ids are kept as hex.
const shown = (key, v) => v !== null && typeof v === "object" &&
	v.type === "Buffer" ? Buffer.from(v.data).toString("hex") : v;
const put = (o) => fs.appendFileSync(out, JSON.stringify(o, shown) + "\n");
const isId = { traceId: 32, spanId: 16, parentSpanId: 16 };
const isLong = new Set(["timeUnixNano", "observedTimeUnixNano",
	"startTimeUnixNano", "endTimeUnixNano", "intValue", "asInt"]);

// What the JSON mapping of OTLP demands, member by member.
function lint(value, at, say) {
	if (Array.isArray(value)) {
		value.forEach((v, i) => lint(v, `${at}[${i}]`, say));
		return;
	}
	if (value === null || typeof value !== "object")
		return;
	for (const [key, v] of Object.entries(value)) {
		const here = `${at}.${key}`;
		if (key.includes("_"))
			say(`${here}: names are lowerCamelCase`);
		if (isId[key] && (!/^[0-9a-f]+$/.test(v) ||
			v.length !== isId[key] || /^0+$/.test(v)))
			say(`${here}: no id in hex`);
		if (isLong.has(key) && typeof v !== "string")
			say(`${here}: 64 bits are a string`);
		if (/^(severityNumber|kind|aggregationTemporality|code)$/
			.test(key) && typeof v !== "number")
			say(`${here}: an enum is a number`);
		if (key === "attributes" &&
			new Set(v.map((a) => a.key)).size !== v.length)
			say(`${here}: a key twice`);
		lint(v, here, say);
	}
}

// The classes take ids as base64, OTLP's JSON has them in hex.
function toClasses(value) {
	if (Array.isArray(value))
		return value.map(toClasses);
	if (value === null || typeof value !== "object")
		return value;
	return Object.fromEntries(Object.entries(value).map(([k, v]) => [k,
		isId[k] ? Buffer.from(v, "hex").toString("base64")
			: toClasses(v)]));
}

function decode(request, type, body) {
	if (request.headers["content-encoding"] === "gzip")
		body = zlib.gunzipSync(body);
	if (request.headers["content-type"] === "application/x-protobuf")
		return type.decode(body);
	const json = JSON.parse(new TextDecoder("utf-8", { fatal: true })
		.decode(body));
	lint(json, "$", (violation) => put({ violation }));
	const wrong = type.verify(toClasses(json));
	if (wrong && !/integer\|Long|buffer expected/.test(wrong))
		put({ violation: wrong });
	return type.fromObject(toClasses(json));
}

function keep(signal, message) {
	const [name, type, resources, scopes, items] = signal;
	const plain = type.toObject(message, { longs: String, enums: Number,
		bytes: Buffer });
	for (const r of resources(plain) || [])
		for (const s of scopes(r) || [])
			for (const item of items(s) || [])
				put({ signal: name, resource: r.resource,
					...item });
}

http.createServer((request, response) => {
	const signal = signals[request.url];
	const chunks = [];
	request.on("data", (c) => chunks.push(c));
	request.on("end", () => {
		const type = request.headers["content-type"];
		try {
			keep(signal, decode(request, signal[1],
				Buffer.concat(chunks)));
		} catch (e) {
			put({ violation: String(e) });
			response.writeHead(400).end();
			return;
		}
		response.writeHead(200, { "Content-Type": type });
		response.end(type === "application/json" ? "{}" : "");
	});
}).listen(0, "127.0.0.1", function () {
	console.log("port " + this.address().port);
});
