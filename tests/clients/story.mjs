// The JavaScript client fhir-kit-client against a running house; prints what it found as one JSON object.
import { Client } from 'fhir-kit-client';

const [baseUrl, token] = process.argv.slice(2);
const client = new Client({ baseUrl, bearerToken: token });
const found = {};

found.fhirVersion = (await client.capabilityStatement()).fhirVersion;

const made = await client.create({
  resourceType: 'Patient',
  body: { resourceType: 'Patient', name: [{ family: 'Fhirkit', given: ['Bình'] }], gender: 'male' },
});
found.made = made.meta.versionId;
const id = made.id;

const read = await client.read({ resourceType: 'Patient', id });
found.family = read.name[0].family;
const updated = await client.update({ resourceType: 'Patient', id, body: { ...read, birthDate: '1990-04-30' } });
found.updated = updated.meta.versionId;
found.vread = (await client.vread({ resourceType: 'Patient', id, version: '1' })).birthDate ?? null;
const patched = await client.patch({
  resourceType: 'Patient', id,
  jsonPatch: [{ op: 'replace', path: '/gender', value: 'female' }],
});
found.patched = patched.gender;
found.history = (await client.resourceHistory({ resourceType: 'Patient', id })).entry.map((entry) => entry.request.method);

const entries = Array.from({ length: 7 }, (_, number) => ({
  resource: {
    resourceType: 'Observation', status: 'final', code: { text: 'Mạch' },
    subject: { reference: `Patient/${id}` }, effectiveDateTime: `2026-03-0${number + 1}`,
  },
  request: { method: 'POST', url: 'Observation' },
}));
const transaction = await client.transaction({ body: { resourceType: 'Bundle', type: 'transaction', entry: entries } });
found.transaction = transaction.entry.map((entry) => entry.response.status);
const batch = await client.batch({
  body: {
    resourceType: 'Bundle', type: 'batch',
    entry: [
      { request: { method: 'GET', url: `Patient/${id}` } },
      { request: { method: 'GET', url: 'Patient/there-is-none' } },
    ],
  },
});
found.batch = batch.entry.map((entry) => entry.response.status.slice(0, 3));

let page = await client.search({
  resourceType: 'Observation', searchParams: { patient: id, _sort: 'date', _count: '3' },
});
found.days = [];
while (page) {
  found.days.push(page.entry.map((entry) => entry.resource.effectiveDateTime));
  page = await client.nextPage({ bundle: page });
}
found.posted = (await client.search({
  resourceType: 'Patient', searchParams: { family: 'Fhirkit', _id: id }, options: { postSearch: true },
})).total;
found.compartment = (await client.compartmentSearch({
  resourceType: 'Observation', compartment: { resourceType: 'Patient', id }, searchParams: { _summary: 'count' },
})).total;
found.references = (await client.resolve({ reference: `Patient/${id}` })).id === id;
found.operation = (await client.operation({ name: 'everything', resourceType: 'Patient', id, method: 'get' })).entry.length;

await client.delete({ resourceType: 'Patient', id });
try {
  await client.read({ resourceType: 'Patient', id });
} catch (error) {
  found.deleted = [error.response.status, error.response.data.resourceType];
}
console.log(JSON.stringify(found));
