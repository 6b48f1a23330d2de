/* Shows that there is a message, and opens the box when it is touched. The words themselves never come by push. */
self.addEventListener("push", (event) => {
  let said = { title: "Y Bạ", body: "Có tin nhắn mới.", url: "/tin-nhan/", tag: "yba" };
  try { said = Object.assign(said, event.data.json()); } catch (problem) { /* an empty push says the same */ }
  event.waitUntil(self.registration.showNotification(said.title, { body: said.body, tag: said.tag, data: { url: said.url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = new URL(event.notification.data.url, self.location.origin);
  if (target.origin === self.location.origin) {
    event.waitUntil(self.clients.openWindow(target.href));
  }
});
