/** Sign up and log in: one card, two forms. */

import { field } from "../dom/fields.js";
import { fill, h } from "../dom/h.js";

const MARK = new URL("../plaza.svg", import.meta.url).href;

/**
 * @param {any} session of the SDK's Rest
 * @param {() => void} enter called once somebody is logged in
 * @param {string} notice why one is here again
 */
export function entryView(session, enter, notice) {
  return h(
    "main",
    { class: "entry" },
    h(
      "div",
      { class: "entry-brand" },
      h("img", { src: MARK, alt: "", class: "mark" }),
      h("h1", {}, "Plaza"),
      h("p", {}, "A calm place to talk with the people you work, build and live with."),
    ),
    entryCard(session, enter, notice),
  );
}

/**
 * The card alone.
 *
 * @param {any} session of the SDK's Rest
 * @param {() => void} enter called once somebody is logged in
 * @param {string} [notice] why one is here
 */
export function entryCard(session, enter, notice = "") {
  const card = h("div", { class: "entry-card" });
  const show = (/** @type {boolean} */ fresh) => {
    fill(
      card,
      h("h2", { class: "entry-title" }, fresh ? "Create your account" : "Welcome back"),
      notice ? h("p", { class: "entry-notice", role: "status" }, notice) : null,
      fresh ? signUpForm(session, enter) : logInForm(session, enter),
      h(
        "p",
        { class: "entry-switch" },
        fresh ? "Already here before? " : "New to Plaza? ",
        h(
          "button",
          {
            type: "button",
            class: "link",
            on: {
              click: () => {
                show(!fresh);
                card.querySelector("input")?.focus();
              },
            },
          },
          fresh ? "Log in" : "Create an account",
        ),
      ),
    );
  };
  show(false);
  return card;
}

/** @param {any} session @param {() => void} enter */
function logInForm(session, enter) {
  const login = field("Username or e-mail", {
    name: "username",
    autocomplete: "username",
    required: true,
    maxlength: 300,
    autocapitalize: "none",
    spellcheck: "false",
  });
  const password = passwordField("current-password");
  return form(
    [login, password],
    "Log in",
    async () => {
      await session.logIn(login.input.value.trim(), password.input.value);
      enter();
    },
    () => password,
  );
}

/** @param {any} session @param {() => void} enter */
function signUpForm(session, enter) {
  const username = field(
    "Username",
    {
      name: "username",
      autocomplete: "username",
      required: true,
      minlength: 3,
      maxlength: 30,
      autocapitalize: "none",
      spellcheck: "false",
    },
    "3 to 30 letters a–z, digits and _",
  );
  const email = field("E-mail", {
    name: "email",
    type: "email",
    autocomplete: "email",
    required: true,
    maxlength: 300,
  });
  const password = passwordField("new-password", "8 characters or more");
  return form(
    [username, email, password],
    "Create account",
    async () => {
      await session.signUp(
        username.input.value.trim(),
        email.input.value.trim(),
        password.input.value,
      );
      enter();
    },
    (error) => fieldOf(error, { username, email, password }),
  );
}

/** @param {string} autocomplete @param {string} [hint] */
function passwordField(autocomplete, hint = "") {
  return field(
    "Password",
    { name: "password", type: "password", autocomplete, required: true, maxlength: 1000 },
    hint,
  );
}

/**
 * The field that an answer of the server is about.
 *
 * @param {any} error
 * @param {Record<string, import("../dom/fields.js").Field>} fields
 */
function fieldOf(error, { username, email, password }) {
  if (error.code === "username_taken") return username;
  if (error.code === "email_taken") return email;
  if (error.code !== "bad_request") return password;
  if (/password/i.test(error.message)) return password;
  return /mail/i.test(error.message) ? email : username;
}

/**
 * @param {import("../dom/fields.js").Field[]} fields
 * @param {string} action what the button says
 * @param {() => Promise<void>} submit
 * @param {(error: any) => import("../dom/fields.js").Field} where an error is shown
 */
function form(fields, action, submit, where) {
  const go = /** @type {HTMLButtonElement} */ (
    h("button", { class: "button primary wide" }, action)
  );
  const element = h(
    "form",
    { novalidate: true, class: "entry-form" },
    fields.map((one) => one.element),
    go,
  );
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = fields.filter((one) => !one.input.checkValidity());
    for (const one of fields) one.fail(one.input.validationMessage);
    if (wrong.length) return wrong[0].input.focus();
    go.disabled = true;
    try {
      await submit();
    } catch (error) {
      const field = where(error);
      field.fail(/** @type {Error} */ (error).message);
      field.input.focus();
    } finally {
      go.disabled = false;
    }
  });
  return element;
}
