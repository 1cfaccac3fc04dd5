//! The rule files that are part of the program. Rewritten by a test when a file is added.

/// Name and text of every file in `rules/`.
pub const FILES: &[(&str, &str)] = &[
    ("rules/adyen.toml", include_str!("../../rules/adyen.toml")),
    ("rules/braintree.toml", include_str!("../../rules/braintree.toml")),
    ("rules/checkout.toml", include_str!("../../rules/checkout.toml")),
    ("rules/circle.toml", include_str!("../../rules/circle.toml")),
    ("rules/coinflow.toml", include_str!("../../rules/coinflow.toml")),
    ("rules/flutterwave.toml", include_str!("../../rules/flutterwave.toml")),
    ("rules/general.toml", include_str!("../../rules/general.toml")),
    ("rules/gocardless.toml", include_str!("../../rules/gocardless.toml")),
    ("rules/mercadopago.toml", include_str!("../../rules/mercadopago.toml")),
    ("rules/mercury.toml", include_str!("../../rules/mercury.toml")),
    ("rules/midtrans.toml", include_str!("../../rules/midtrans.toml")),
    ("rules/mollie.toml", include_str!("../../rules/mollie.toml")),
    ("rules/payca.toml", include_str!("../../rules/payca.toml")),
    ("rules/paychain.toml", include_str!("../../rules/paychain.toml")),
    ("rules/paypal.toml", include_str!("../../rules/paypal.toml")),
    ("rules/paystack.toml", include_str!("../../rules/paystack.toml")),
    ("rules/plaid.toml", include_str!("../../rules/plaid.toml")),
    ("rules/razorpay.toml", include_str!("../../rules/razorpay.toml")),
    ("rules/square.toml", include_str!("../../rules/square.toml")),
    ("rules/stripe.toml", include_str!("../../rules/stripe.toml")),
    ("rules/xendit.toml", include_str!("../../rules/xendit.toml")),
];
