// A browser's wallet for Sign-In with Ethereum: it fills in what can also be pasted. Nothing here is needed to sign in.
const wallet = window.ethereum;
const ask = document.getElementById("wallet-ask");
const form = ask?.closest("form");

async function account() {
  const [address] = await wallet.request({ method: "eth_requestAccounts" });
  form.elements.address.value = address;
  form.submit();
}

async function sign() {
  const message = form.elements.message.value;
  const bytes = new TextEncoder().encode(message);
  const hex = "0x" + [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
  const address = form.dataset.address;
  form.elements.signature.value = await wallet.request({ method: "personal_sign", params: [hex, address] });
  form.submit();
}

if (ask && typeof wallet?.request === "function") {
  ask.hidden = false;
  ask.addEventListener("click", async () => {
    const told = document.getElementById("wallet-told");
    told.textContent = "";
    try {
      await (form.elements.address ? account() : sign());
    } catch (error) {
      told.textContent = `${ask.dataset.failed} ${error?.message ?? ""}`.trim();
    }
  });
}
