// Publishes from a backend, without any package: npx node examples/node/publish.js CHANNEL TEXT
const [channel = 'room:lobby', text = 'hello'] = process.argv.slice(2);
const { CARILLON_URL = 'http://127.0.0.1:6790', CARILLON_API_KEY } = process.env;

const response = await fetch(`${CARILLON_URL}/v1/publish`, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    ...(CARILLON_API_KEY && { Authorization: `Bearer ${CARILLON_API_KEY}` }),
  },
  body: JSON.stringify({ channel, data: { name: 'node', text } }),
});
const { result, error } = await response.json();
if (error) throw new Error(`${error.message} (${error.code})`);
console.log('published', result);
