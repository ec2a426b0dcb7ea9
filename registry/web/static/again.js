// A page that watches something: it is asked for again until it says something else.
setTimeout(() => location.reload(), 2000);
